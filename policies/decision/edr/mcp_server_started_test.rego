package sark.edr.mcp_server_started_test

import data.sark.edr.mcp_server_started

lists := {
	"approved": ["@modelcontextprotocol/*"],
	"grave_abilities": ["write", "execute"],
	"exempt_tags": ["llm-lab"],
	"exempt_groups": ["research"],
}

activity := {
	"kind": "mcp_started",
	"host": {"id": "h1"},
	"process": {"name": "npx"},
	"mcp": {"package": "left-pad-mcp", "pinned": true},
	"confidence": 1,
	"groups": [],
}

answers(change) := found if {
	found := mcp_server_started.decisions with input as object.union(activity, change)
		with data.edr.mcp as lists
}

rules(change) := {decision.rule_id | some decision in answers(change)}

test_not_approved if {
	some decision in answers({})
	decision.action == "alert"
	decision.rule_id == "not-approved"
	decision.severity == "medium"
	contains(decision.reason, "left-pad-mcp")
}

test_grave_abilities if {
	some decision in answers({"mcp": {"abilities": ["data", "execute"]}})
	decision.severity == "high"
}

test_other_abilities if {
	some decision in answers({"mcp": {"abilities": ["data"]}})
	decision.severity == "medium"
}

test_approved if rules({"mcp": {"package": "@modelcontextprotocol/server-git"}}) == set()

test_approved_without_version if {
	rules({"mcp": {"package": "@modelcontextprotocol/server-git", "pinned": false}}) == {"no-version"}
}

test_neither if rules({"mcp": {"pinned": false}}) == {"not-approved", "no-version"}

test_version_is_of_little_weight if {
	some decision in answers({"mcp": {"package": "@modelcontextprotocol/x", "pinned": false}})
	decision.severity == "low"
}

test_something_else if rules({"kind": "llm_connection"}) == set()

test_without_the_server if {
	bare := {"kind": "mcp_started", "host": {"id": "h1"}, "process": {"name": "npx"}, "groups": []}
	some decision in mcp_server_started.decisions with input as bare with data.edr.mcp as lists
	decision.rule_id == "not-approved"
	contains(decision.reason, "started by npx")
}

test_exempt_host if rules({"host": {"id": "h1", "tags": ["llm-lab"]}, "mcp": {"pinned": false}}) == set()

test_exempt_group if rules({"groups": ["research"], "mcp": {"pinned": false}}) == set()

test_without_its_data_it_is_off if {
	count(mcp_server_started.decisions) == 0 with input as activity with data.edr as {}
}
