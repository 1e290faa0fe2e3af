package sark.llm.models

decisions contains {
	"action": "deny",
	"rule_id": "not-listed",
	"reason": sprintf("model %v is not on the list", [input.model]),
	"obligations": [{"type": "notify", "route": "soc"}],
} if {
	not input.model in data.models
	"contractors" in input.groups
}

decisions contains {
	"action": "alert",
	"rule_id": "large",
	"reason": "a very large request",
} if input.body_bytes > 1000000
