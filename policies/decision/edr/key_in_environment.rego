# Keys of models do not lie about in environments. See docs/policies/key-in-environment.md.
package sark.edr.key_in_environment

import data.sark.lib.names

lists := data.edr.keys

exempt if names.share(input.groups, lists.exempt_groups)

exempt if names.share(input.host.tags, lists.exempt_tags)

program := names.program(input.process.name)

may_have(key) if names.any_of(program, lists.programs[key])

astray := {key |
	some key in input.key_names
	not may_have(key)
}

severity := "high" if names.share(input.host.tags, lists.server_tags)

else := "medium"

decisions contains {
	"action": "alert",
	"rule_id": "key-astray",
	"severity": severity,
	"reason": sprintf("%v has keys in its environment: %v", [program, concat(", ", astray)]),
} if {
	lists
	input.kind == "key_in_environment"
	count(astray) > 0
	not exempt
}
