package sark.llm.model_allow_list_test

import data.sark.llm.model_allow_list

lists := {
	"everyone": {"openai": ["gpt-5*"], "*": ["llama-*"]},
	"groups": {
		"contractors": {"openai": ["gpt-5-mini"]},
		"research": {"anthropic": ["claude-*"]},
		"nobody": {},
	},
	"unnamed": "audit",
	"exempt_groups": ["llm-exempt"],
}

rules(provider, model, groups) := [decision.rule_id |
	some decision in model_allow_list.decisions with input as {
		"operation": "chat",
		"provider": provider,
		"model": model,
		"groups": groups,
	}
		with data.llm.models as lists
]

test_listed if rules("openai", "gpt-5-nano", []) == []

test_case_does_not_count if rules("openai", "GPT-5", []) == []

test_not_listed if rules("openai", "gpt-4o", []) == ["not-listed"]

test_refused_with_the_models_name if {
	some decision in model_allow_list.decisions with input as {"model": "gpt-4o", "groups": []}
		with data.llm.models as lists
	decision.action == "deny"
	contains(decision.reason, "gpt-4o")
}

test_listed_at_another_provider if rules("azure", "gpt-5", []) == ["not-listed"]

test_listed_at_every_provider if rules("groq", "llama-3.3-70b", []) == []

test_without_provider_only_lists_for_all_count if {
	inputs := {"model": "llama-3.3-70b", "groups": []}
	count(model_allow_list.decisions) == 0 with input as inputs with data.llm.models as lists
	unknown := {"model": "gpt-5", "groups": []}
	count(model_allow_list.decisions) == 1 with input as unknown with data.llm.models as lists
}

test_groups_list_in_the_place_of_everyones if {
	rules("openai", "gpt-5-mini", ["contractors"]) == []
	rules("openai", "gpt-5-nano", ["contractors"]) == ["not-listed"]
	rules("groq", "llama-3.3-70b", ["contractors"]) == ["not-listed"]
}

test_two_groups_have_both_lists if {
	rules("openai", "gpt-5-mini", ["contractors", "research"]) == []
	rules("anthropic", "claude-opus-4", ["contractors", "research"]) == []
}

test_an_empty_list_lists_nothing if rules("openai", "gpt-5", ["nobody"]) == ["not-listed"]

test_unnamed if {
	some decision in model_allow_list.decisions with input as {"operation": "chat", "groups": []}
		with data.llm.models as lists
	decision.rule_id == "unnamed"
	decision.action == "audit"
}

test_what_asks_no_model_need_not_name_one if {
	inputs := {"operation": "models", "groups": []}
	count(model_allow_list.decisions) == 0 with input as inputs with data.llm.models as lists
}

test_exempt if {
	rules("openai", "gpt-4o", ["llm-exempt"]) == []
	inputs := {"operation": "chat", "groups": ["llm-exempt"]}
	count(model_allow_list.decisions) == 0 with input as inputs with data.llm.models as lists
}

test_without_its_data_it_is_off if {
	inputs := {"model": "gpt-4o", "groups": []}
	count(model_allow_list.decisions) == 0 with input as inputs with data.llm as {}
}
