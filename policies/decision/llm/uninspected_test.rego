package sark.llm.uninspected_test

import data.sark.llm.uninspected

limits := {"action": "audit", "over_bytes": 1000, "exempt_groups": ["red-team"]}

rules_by(inputs, by) := [decision.action |
	some decision in uninspected.decisions with input as inputs with data.llm.uninspected as by
	decision.rule_id == "uninspected"
]

rules(inputs) := rules_by(inputs, limits)

test_uninspected if rules({"groups": [], "inspected": false, "body_bytes": 1001}) == ["audit"]

test_action_is_data if {
	strict := object.union(limits, {"action": "deny"})
	rules_by({"groups": [], "inspected": false, "body_bytes": 1001}, strict) == ["deny"]
}

test_short if rules({"groups": [], "inspected": false, "body_bytes": 1000}) == []

test_inspected if rules({"groups": [], "inspected": true, "body_bytes": 5000}) == []

test_without_size if rules({"groups": []}) == []

test_not_said_is_not_inspected if rules({"groups": [], "body_bytes": 1001}) == ["audit"]

test_exempt if rules({"groups": ["red-team"], "inspected": false, "body_bytes": 1001}) == []

test_without_its_data_it_is_off if {
	inputs := {"groups": [], "inspected": false, "body_bytes": 1001}
	count(uninspected.decisions) == 0 with input as inputs with data.llm as {}
}
