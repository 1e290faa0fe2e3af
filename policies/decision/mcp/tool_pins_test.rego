package sark.mcp.tool_pins_test

import data.sark.mcp.tool_pins

pins := {"action": "hold", "exempt_servers": ["https://tools.example.com/*"], "exempt_groups": ["tool-makers"]}

calling(call, groups) := {"operation": "tool_call", "groups": groups, "call": call}

rules(inputs) := [decision.rule_id |
	some decision in tool_pins.decisions with input as inputs with data.mcp.pins as pins
]

test_pinned if rules(calling({"server": "npx a", "name": "read", "pinned": true}, [])) == []

test_not_pinned if rules(calling({"server": "npx a", "name": "read", "pinned": false}, [])) == ["not-pinned"]

test_not_said_is_not_pinned if rules(calling({"server": "npx a", "name": "read"}, [])) == ["not-pinned"]

test_action_is_data_and_the_tool_is_named if {
	inputs := calling({"server": "npx a", "name": "read", "pinned": false}, [])
	some decision in tool_pins.decisions with input as inputs with data.mcp.pins as pins
	decision.action == "hold"
	contains(decision.reason, "read at npx a")
}

test_a_list_of_tools_is_no_call if {
	inputs := {"operation": "tool_list", "groups": [], "call": {"server": "npx a", "name": "", "pinned": false}}
	rules(inputs) == []
}

test_without_call if rules({"operation": "tool_call", "groups": []}) == []

test_exempt_server if rules(calling({"server": "https://tools.example.com/mcp", "name": "read"}, [])) == []

test_exempt_group if rules(calling({"server": "npx a", "name": "read"}, ["tool-makers"])) == []

test_without_its_data_it_is_off if {
	inputs := calling({"server": "npx a", "name": "read", "pinned": false}, [])
	count(tool_pins.decisions) == 0 with input as inputs with data.mcp as {}
}
