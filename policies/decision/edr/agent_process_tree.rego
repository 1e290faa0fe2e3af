# What agents start, and what starts them. See docs/policies/agent-process-tree.md.
package sark.edr.agent_process_tree

import data.sark.lib.names

lists := data.edr.agents

exempt if names.share(input.groups, lists.exempt_groups)

exempt if names.share(input.host.tags, lists.exempt_tags)

sandbox if names.share(input.host.tags, lists.unattended_tags)

program := names.program(input.process.name)

whose := object.get(input, "agent", "an agent")

parents := [parent |
	some ancestor in input.ancestors
	parent := names.program(ancestor.name)
	names.any_of(parent, lists.forbidden_parents)
]

decisions contains {
	"action": lists.action,
	"rule_id": "forbidden-child",
	"severity": "high",
	"reason": sprintf("%v started %v", [whose, program]),
} if {
	input.kind == "agent_child"
	names.any_of(program, lists.forbidden_children)
	not exempt
}

decisions contains {
	"action": lists.action,
	"rule_id": "forbidden-parent",
	"severity": "high",
	"reason": sprintf("%v was started by %v", [whose, parents[0]]),
} if {
	input.kind == "agent_started"
	count(parents) > 0
	not exempt
}

decisions contains {
	"action": lists.unattended,
	"rule_id": "unattended",
	"reason": sprintf("%v was told to ask nobody", [whose]),
} if {
	input.kind == "agent_started"
	input.unattended
	not sandbox
	not exempt
}
