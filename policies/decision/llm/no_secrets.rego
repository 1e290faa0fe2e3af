# No secrets go to a model. See docs/policies/no-secrets.md.
package sark.llm.no_secrets

import data.sark.lib.names

limits := data.llm.secrets

exempt if names.share(input.groups, limits.exempt_groups)

certain := [finding |
	some finding in input.findings
	finding.class == "secret"
	finding.confidence >= limits.redact_confidence
	not harmless(finding.kind)
]

harmless(kind) if kind in limits.exempt_kinds

number := sum([finding.count | some finding in certain])

kinds := {finding.kind | some finding in certain}

too_many if number > limits.deny_over

decisions contains {
	"action": "redact",
	"rule_id": "secret",
	"severity": "medium",
	"reason": sprintf("secrets are taken out: %v", [concat(", ", kinds)]),
	"obligations": [{"type": "redact", "findings": [kind | some kind in kinds]}],
} if {
	count(certain) > 0
	not too_many
	not exempt
}

decisions contains {
	"action": "deny",
	"rule_id": "too-many-secrets",
	"severity": "high",
	"reason": sprintf("%v secrets are more than can be taken out: %v", [number, concat(", ", kinds)]),
	"obligations": [{"type": "notify", "route": limits.notify}],
} if {
	too_many
	not exempt
}
