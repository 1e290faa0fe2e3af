package sark.llm.provider_access_test

import data.sark.llm.provider_access

lists := {
	"everyone": {"allow": ["openai", "azure*"], "deny": ["deepseek"]},
	"groups": {
		"contractors": {"allow": ["anthropic"], "deny": ["azure-gov"]},
		"research": {"allow": ["deepseek", "mistral"]},
		"noted": {},
	},
	"unknown": "audit",
	"exempt_groups": ["llm-exempt"],
}

rules(provider, groups) := [decision.rule_id |
	some decision in provider_access.decisions with input as {"provider": provider, "groups": groups}
		with data.llm.providers as lists
]

test_listed_provider if rules("openai", []) == []

test_pattern if rules("azure-gov", []) == []

test_denied if rules("deepseek", []) == ["denied"]

test_denied_says_which if {
	some decision in provider_access.decisions with input as {"provider": "deepseek", "groups": []}
		with data.llm.providers as lists
	decision.action == "deny"
	contains(decision.reason, "deepseek")
}

test_not_listed if rules("mistral", []) == ["not-allowed"]

test_a_name_that_only_begins_so if rules("openai2", []) == ["not-allowed"]

test_groups_list_in_the_place_of_everyones if {
	rules("anthropic", ["contractors"]) == []
	rules("openai", ["contractors"]) == ["not-allowed"]
}

test_a_group_without_lists_is_everyone if rules("openai", ["noted", "elsewhere"]) == []

test_two_groups_have_both_lists if {
	rules("mistral", ["contractors", "research"]) == []
	rules("anthropic", ["contractors", "research"]) == []
}

test_denial_goes_before_a_list if rules("deepseek", ["research"]) == ["denied"]

test_denial_of_a_group if rules("azure-gov", ["contractors"]) == ["denied"]

test_unknown_provider if {
	some decision in provider_access.decisions with input as {"groups": []}
		with data.llm.providers as lists
	decision.rule_id == "unknown-provider"
	decision.action == "audit"
}

test_exempt if {
	rules("deepseek", ["llm-exempt"]) == []
	rules("mistral", ["llm-exempt"]) == []
	count(provider_access.decisions) == 0 with input as {"groups": ["llm-exempt"]}
		with data.llm.providers as lists
}

test_without_its_data_it_is_off if {
	count(provider_access.decisions) == 0 with input as {"provider": "deepseek", "groups": []}
		with data.llm as {}
}
