package sark.edr.agent_process_tree_test

import data.sark.edr.agent_process_tree

lists := {
	"forbidden_children": ["nc", "procdump*"],
	"forbidden_parents": ["winword", "php-fpm*"],
	"action": "alert",
	"unattended": "audit",
	"unattended_tags": ["ci"],
	"exempt_tags": ["llm-lab"],
	"exempt_groups": ["research"],
}

child := {
	"kind": "agent_child",
	"host": {"id": "h1"},
	"process": {"name": "nc"},
	"ancestors": [{"name": "bash"}, {"name": "claude"}],
	"agent": "claude-code",
	"unattended": false,
	"confidence": 1,
	"groups": [],
}

agent := object.union(child, {"kind": "agent_started", "process": {"name": "claude"}, "ancestors": [{"name": "bash"}]})

answers(inputs) := found if {
	found := agent_process_tree.decisions with input as inputs with data.edr.agents as lists
}

rules(inputs) := [decision.rule_id | some decision in answers(inputs)]

test_forbidden_child if {
	some decision in answers(child)
	decision.rule_id == "forbidden-child"
	decision.action == "alert"
	decision.severity == "high"
	decision.reason == "claude-code started nc"
}

test_child_by_pattern if rules(object.union(child, {"process": {"name": "ProcDump64.exe"}})) == ["forbidden-child"]

test_another_child if rules(object.union(child, {"process": {"name": "git"}})) == []

test_a_name_that_only_begins_so if rules(object.union(child, {"process": {"name": "ncdu"}})) == []

test_the_same_program_elsewhere if rules(object.union(child, {"kind": "llm_connection"})) == []

test_forbidden_parent if {
	some decision in answers(object.union(agent, {"ancestors": [{"name": "cmd.exe"}, {"name": "WINWORD.EXE"}]}))
	decision.rule_id == "forbidden-parent"
	decision.reason == "claude-code was started by winword"
}

test_the_nearest_is_named if {
	some decision in answers(object.union(agent, {"ancestors": [{"name": "php-fpm8.2"}, {"name": "winword"}]}))
	decision.reason == "claude-code was started by php-fpm8.2"
}

test_another_parent if rules(agent) == []

test_a_child_may_have_any_parent if {
	rules(object.union(child, {"process": {"name": "git"}, "ancestors": [{"name": "winword.exe"}]})) == []
}

test_unattended if {
	some decision in answers(object.union(agent, {"unattended": true}))
	decision.rule_id == "unattended"
	decision.action == "audit"
}

test_unattended_where_it_may_be if {
	rules(object.union(agent, {"unattended": true, "host": {"id": "h1", "tags": ["ci"]}})) == []
}

test_unattended_elsewhere if {
	rules(object.union(agent, {"unattended": true, "host": {"id": "h1", "tags": ["laptop"]}})) == ["unattended"]
}

test_without_agent_and_ancestors if {
	bare := {"kind": "agent_started", "host": {"id": "h1"}, "process": {"name": "claude"}, "unattended": true, "groups": []}
	some decision in answers(bare)
	decision.reason == "an agent was told to ask nobody"
}

test_without_kind_of_tree if rules({"kind": "agent_started", "host": {"id": "h1"}, "process": {"name": "x"}, "groups": []}) == []

test_exempt_host if {
	rules(object.union(child, {"host": {"id": "h1", "tags": ["llm-lab"]}})) == []
	rules(object.union(agent, {"unattended": true, "host": {"id": "h1", "tags": ["llm-lab"]}})) == []
}

test_exempt_group if {
	rules(object.union(child, {"groups": ["research"]})) == []
	rules(object.union(agent, {"ancestors": [{"name": "winword"}], "groups": ["research"]})) == []
}

test_without_its_data_it_is_off if {
	count(agent_process_tree.decisions) == 0 with input as child with data.edr as {}
	count(agent_process_tree.decisions) == 0 with input as object.union(agent, {"unattended": true})
		with data.edr as {}
}
