package sark.edr.unauthorised_process_test

import data.sark.edr.unauthorised_process

lists := {
	"authorised": ["chrome", "code helper*"],
	"authorised_agents": ["claude-code"],
	"signers": {"chrome": ["Google LLC"]},
	"confidence": 0.5,
	"action": "alert",
	"server_tags": ["server"],
	"exempt_tags": ["llm-lab"],
	"exempt_groups": ["research"],
}

activity := {
	"kind": "llm_connection",
	"host": {"id": "h1", "tags": ["laptop"]},
	"process": {"name": "python3"},
	"provider": "openai",
	"confidence": 0.9,
	"groups": [],
}

answers(change) := found if {
	found := unauthorised_process.decisions with input as object.union(activity, change)
		with data.edr.processes as lists
}

rules(change) := [decision.rule_id | some decision in answers(change)]

test_not_authorised if rules({}) == ["not-authorised"]

test_told_which_and_to_whom if {
	some decision in answers({})
	decision.action == "alert"
	decision.severity == "medium"
	decision.reason == "python3 is not among the programs that may speak to openai"
}

test_a_look_up_too if rules({"kind": "llm_lookup"}) == ["not-authorised"]

test_something_else if rules({"kind": "agent_started"}) == []

test_authorised if rules({"process": {"name": "Chrome.exe", "signer": "Google LLC"}}) == []

test_authorised_by_pattern if rules({"process": {"name": "Code Helper (Plugin)"}}) == []

test_a_name_that_only_begins_so if rules({"process": {"name": "chromedriver"}}) == ["not-authorised"]

test_authorised_agent if rules({"process": {"name": "node"}, "agent": "claude-code"}) == []

test_another_agent if rules({"process": {"name": "node"}, "agent": "aider"}) == ["not-authorised"]

test_wrong_signer if {
	rules({"process": {"name": "chrome", "signer": "Evil Ltd"}}) == ["wrong-signer"]
	rules({"process": {"name": "chrome"}}) == ["wrong-signer"]
}

test_not_sure if rules({"confidence": 0.499}) == []

test_server_is_graver if {
	some decision in answers({"host": {"id": "h1", "tags": ["linux", "server"]}})
	decision.severity == "high"
}

test_exempt_host if rules({"host": {"id": "h1", "tags": ["llm-lab"]}}) == []

test_exempt_group if rules({"groups": ["research"]}) == []

test_exempt_from_signers_too if {
	rules({"process": {"name": "chrome"}, "groups": ["research"]}) == []
}

test_without_tags_and_provider if {
	bare := {"kind": "llm_connection", "host": {"id": "h1"}, "process": {"name": "curl"}, "confidence": 1, "groups": []}
	some decision in unauthorised_process.decisions with input as bare
		with data.edr.processes as lists
	decision.severity == "medium"
	decision.reason == "curl is not among the programs that may speak to a model"
}

test_without_its_data_it_is_off if {
	count(unauthorised_process.decisions) == 0 with input as activity with data.edr as {}
}
