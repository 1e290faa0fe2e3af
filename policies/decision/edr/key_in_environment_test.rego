package sark.edr.key_in_environment_test

import data.sark.edr.key_in_environment

lists := {
	"programs": {"ANTHROPIC_API_KEY": ["claude"]},
	"server_tags": ["server"],
	"exempt_tags": ["ci"],
	"exempt_groups": ["research"],
}

activity := {
	"kind": "key_in_environment",
	"host": {"id": "h1"},
	"process": {"name": "node"},
	"key_names": ["OPENAI_API_KEY", "ANTHROPIC_API_KEY"],
	"confidence": 1,
	"groups": [],
}

answers(change) := found if {
	found := key_in_environment.decisions with input as object.union(activity, change)
		with data.edr.keys as lists
}

rules(change) := [decision.rule_id | some decision in answers(change)]

test_keys_are_named if {
	some decision in answers({})
	decision.action == "alert"
	decision.rule_id == "key-astray"
	decision.severity == "medium"
	decision.reason == "node has keys in its environment: ANTHROPIC_API_KEY, OPENAI_API_KEY"
}

test_server_is_graver if {
	some decision in answers({"host": {"id": "h1", "tags": ["server"]}})
	decision.severity == "high"
}

test_program_that_may if {
	rules({"process": {"name": "claude.exe"}, "key_names": ["ANTHROPIC_API_KEY"]}) == []
}

test_program_that_may_have_another_key if {
	some decision in answers({"process": {"name": "claude"}})
	decision.reason == "claude has keys in its environment: OPENAI_API_KEY"
}

test_something_else if rules({"kind": "agent_started"}) == []

test_without_names_of_keys if {
	rules({"key_names": []}) == []
	bare := {"kind": "key_in_environment", "host": {"id": "h1"}, "process": {"name": "node"}, "groups": []}
	count(key_in_environment.decisions) == 0 with input as bare with data.edr.keys as lists
}

test_exempt_host if rules({"host": {"id": "h1", "tags": ["ci"]}}) == []

test_exempt_group if rules({"groups": ["research"]}) == []

test_without_its_data_it_is_off if {
	count(key_in_environment.decisions) == 0 with input as activity with data.edr as {}
}
