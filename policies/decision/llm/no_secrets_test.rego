package sark.llm.no_secrets_test

import data.sark.llm.no_secrets

limits := {
	"redact_confidence": 0.7,
	"deny_over": 3,
	"exempt_kinds": ["stripe_test_key"],
	"exempt_groups": ["red-team"],
	"notify": "soc",
}

found(kind, count, confidence) := {"class": "secret", "kind": kind, "count": count, "confidence": confidence}

with_findings(findings, groups) := {
	"groups": groups,
	"findings": findings,
}

answers(inputs) := found if {
	found := no_secrets.decisions with input as inputs with data.llm.secrets as limits
}

rules(inputs) := [decision.rule_id | some decision in answers(inputs)]

test_nothing_found if rules(with_findings([], [])) == []

test_redacted if {
	findings := [found("slack_token", 1, 0.9), found("aws_access_key", 1, 0.7)]
	some decision in answers(with_findings(findings, []))
	decision.action == "redact"
	decision.rule_id == "secret"
	decision.obligations == [{"type": "redact", "findings": ["aws_access_key", "slack_token"]}]
	decision.reason == "secrets are taken out: aws_access_key, slack_token"
}

test_not_sure_enough if rules(with_findings([found("aws_access_key", 9, 0.699)], [])) == []

test_another_class if {
	finding := {"class": "personal", "kind": "iban", "count": 9, "confidence": 1}
	rules(with_findings([finding], [])) == []
}

test_as_many_as_may_be if rules(with_findings([found("a", 2, 1), found("b", 1, 1)], [])) == ["secret"]

test_too_many if {
	some decision in answers(with_findings([found("a", 2, 1), found("b", 2, 1)], []))
	decision.action == "deny"
	decision.rule_id == "too-many-secrets"
	decision.obligations == [{"type": "notify", "route": "soc"}]
	startswith(decision.reason, "4 secrets")
}

test_too_many_is_not_redacted_too if {
	rules(with_findings([found("a", 4, 1)], [])) == ["too-many-secrets"]
}

test_uncertain_ones_do_not_count_as_many if {
	rules(with_findings([found("a", 1, 1), found("b", 99, 0.1)], [])) == ["secret"]
}

test_exempt_kind if rules(with_findings([found("stripe_test_key", 9, 1)], [])) == []

test_exempt_kind_beside_another if {
	some decision in answers(with_findings([found("stripe_test_key", 9, 1), found("a", 1, 1)], []))
	decision.obligations == [{"type": "redact", "findings": ["a"]}]
}

test_without_findings if rules({"groups": []}) == []

test_exempt if {
	rules(with_findings([found("a", 1, 1)], ["red-team"])) == []
	rules(with_findings([found("a", 9, 1)], ["red-team"])) == []
}

test_without_its_data_it_is_off if {
	inputs := with_findings([found("a", 9, 1)], [])
	count(no_secrets.decisions) == 0 with input as inputs with data.llm as {}
}
