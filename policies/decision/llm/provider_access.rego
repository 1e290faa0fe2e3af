# Who may use which provider. See docs/policies/provider-access.md.
package sark.llm.provider_access

import data.sark.lib.names

lists := data.llm.providers

exempt if names.share(input.groups, lists.exempt_groups)

closed if names.any_of(input.provider, lists.everyone.deny)

closed if {
	some group in input.groups
	names.any_of(input.provider, lists.groups[group].deny)
}

has_own_list if {
	some group in input.groups
	lists.groups[group].allow
}

open if {
	some group in input.groups
	names.any_of(input.provider, lists.groups[group].allow)
}

open if {
	not has_own_list
	names.any_of(input.provider, lists.everyone.allow)
}

decisions contains {
	"action": "deny",
	"rule_id": "denied",
	"reason": sprintf("the provider %v is closed to you", [input.provider]),
} if {
	closed
	not exempt
}

decisions contains {
	"action": "deny",
	"rule_id": "not-allowed",
	"reason": sprintf("the provider %v is not on the list of your groups", [input.provider]),
} if {
	lists
	input.provider
	not closed
	not open
	not exempt
}

decisions contains {
	"action": lists.unknown,
	"rule_id": "unknown-provider",
	"reason": "it cannot be told whose model is asked",
} if {
	not input.provider
	not exempt
}
