package sark.llm.models_test

import data.sark.llm.models

request := {"model": "o9", "groups": ["contractors"], "body_bytes": 10}

test_a_model_that_is_not_listed if {
	found := models.decisions with input as request with data.models as ["gpt"]
	some rule in found
	rule.rule_id == "not-listed"
}

test_a_listed_model if {
	count(models.decisions) == 0 with input as request with data.models as ["o9"]
}
