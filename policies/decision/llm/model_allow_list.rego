# Which models may be asked. See docs/policies/model-allow-list.md.
package sark.llm.model_allow_list

import data.sark.lib.names

lists := data.llm.models

exempt if names.share(input.groups, lists.exempt_groups)

# Operations that ask a model for something.
asks if input.operation in {"chat", "completion", "embedding", "image", "audio"}

on(list) if names.any_of(input.model, list[input.provider])

on(list) if names.any_of(input.model, list["*"])

has_own_list if {
	some group in input.groups
	lists.groups[group]
}

listed if {
	some group in input.groups
	on(lists.groups[group])
}

listed if {
	not has_own_list
	on(lists.everyone)
}

decisions contains {
	"action": "deny",
	"rule_id": "not-listed",
	"reason": sprintf("the model %v is not on the list of your groups", [input.model]),
} if {
	lists
	input.model
	not listed
	not exempt
}

decisions contains {
	"action": lists.unnamed,
	"rule_id": "unnamed",
	"reason": "the request does not say which model is asked",
} if {
	asks
	not input.model
	not exempt
}
