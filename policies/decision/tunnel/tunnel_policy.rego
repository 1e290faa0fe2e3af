# Which tunnels may be, and what goes through them. See docs/policies/tunnel-policy.md.
package sark.tunnel.tunnel_policy

import data.sark.lib.names

services := data.tunnel.services

models := data.tunnel.llm

exempt if names.share(input.groups, services.exempt_groups)

exempt if names.any_of(names.program(input.process), services.exempt_processes)

exempt if {
	input.corporate
	services.exempt_corporate
}

closed if input.service in services.deny

closed if input.kind in services.deny_kinds

sure if input.confidence >= services.confidence

# What it is called, for people.
title := object.get(input, "service", input.kind)

carries_models if input.llm_confidence > models.alert_over

# Of the organisation's own a lesser sign is enough: what is inside can be told.
names_models if input.llm_confidence > 0

names_models if input.llm_provider

decisions contains {
	"action": services.action,
	"rule_id": "closed-service",
	"severity": "high",
	"reason": sprintf("tunnels by %v are not allowed here", [title]),
} if {
	closed
	sure
	not exempt
}

decisions contains {
	"action": "alert",
	"rule_id": "maybe-closed-service",
	"severity": "low",
	"reason": sprintf("this may be a tunnel by %v, which is not allowed here", [title]),
} if {
	closed
	not sure
	not exempt
	services.action
}

decisions contains {
	"action": "alert",
	"rule_id": "models-in-tunnel",
	"severity": "high",
	"reason": sprintf("models are probably asked through a tunnel by %v", [title]),
	"obligations": [{"type": "notify", "route": models.notify}],
} if {
	carries_models
	not input.corporate
}

decisions contains {
	"action": "audit",
	"rule_id": "models-in-corporate-vpn",
	"reason": sprintf("models are asked through the organisation's own %v", [title]),
} if {
	models
	input.corporate
	names_models
}
