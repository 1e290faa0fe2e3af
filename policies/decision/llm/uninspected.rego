# What nobody could look into. See docs/policies/uninspected.md.
package sark.llm.uninspected

import data.sark.lib.names

limits := data.llm.uninspected

exempt if names.share(input.groups, limits.exempt_groups)

decisions contains {
	"action": limits.action,
	"rule_id": "uninspected",
	"reason": "not all of the request could be searched for secrets",
} if {
	not input.inspected
	input.body_bytes > limits.over_bytes
	not exempt
}
