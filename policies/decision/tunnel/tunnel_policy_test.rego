package sark.tunnel.tunnel_policy_test

import data.sark.tunnel.tunnel_policy

services := {
	"deny": ["ngrok", "cloudflare-tunnel", "tor"],
	"deny_kinds": ["tor"],
	"action": "deny",
	"confidence": 0.5,
	"exempt_groups": ["tunnel-exempt"],
	"exempt_processes": ["cloudflared"],
	"exempt_corporate": false,
}

policy := {"services": services, "llm": {"alert_over": 0.7, "notify": "soc"}}

sighting := {
	"id": "s1",
	"kind": "tunnel",
	"service": "ngrok",
	"confidence": 0.9,
	"corporate": false,
	"groups": [],
	"user": "bob",
	"process": "ngrok",
}

rules(change) := [decision.rule_id |
	some decision in tunnel_policy.decisions with input as object.union(sighting, change)
		with data.tunnel as policy
]

test_ngrok if rules({}) == ["closed-service"]

test_cloudflare_tunnel if rules({"service": "cloudflare-tunnel"}) == ["closed-service"]

test_tor if rules({"service": "tor", "kind": "tor"}) == ["closed-service"]

test_tor_whatever_the_service if rules({"service": "snowflake", "kind": "tor"}) == ["closed-service"]

test_refused_with_its_name if {
	some decision in tunnel_policy.decisions with input as sighting with data.tunnel as policy
	decision.action == "deny"
	decision.severity == "high"
	decision.reason == "tunnels by ngrok are not allowed here"
}

test_action_is_data if {
	blocking := object.union(policy, {"services": {"action": "block"}})
	some decision in tunnel_policy.decisions with input as sighting with data.tunnel as blocking
	decision.action == "block"
}

test_another_service if rules({"service": "tailscale", "kind": "vpn"}) == []

test_exempt_group if rules({"groups": ["other", "tunnel-exempt"]}) == []

test_another_group if rules({"groups": ["other"]}) == ["closed-service"]

test_exempt_process if rules({"process": "Cloudflared.exe"}) == []

test_another_process if rules({"process": "cloudflared2"}) == ["closed-service"]

test_corporate_is_no_exemption if rules({"corporate": true}) == ["closed-service"]

test_corporate_is_one_if_data_says_so if {
	own := object.union(policy, {"services": {"exempt_corporate": true}})
	inputs := object.union(sighting, {"corporate": true})
	count(tunnel_policy.decisions) == 0 with input as inputs with data.tunnel as own
}

test_not_sure if {
	inputs := object.union(sighting, {"confidence": 0.49})
	some decision in tunnel_policy.decisions with input as inputs with data.tunnel as policy
	decision.rule_id == "maybe-closed-service"
	decision.action == "alert"
}

test_sure_enough if rules({"confidence": 0.5}) == ["closed-service"]

test_not_sure_and_exempt if rules({"confidence": 0.1, "groups": ["tunnel-exempt"]}) == []

test_models_in_tunnel if {
	inputs := object.union(sighting, {"service": "tailscale", "llm_confidence": 0.701})
	some decision in tunnel_policy.decisions with input as inputs with data.tunnel as policy
	decision.rule_id == "models-in-tunnel"
	decision.action == "alert"
	decision.obligations == [{"type": "notify", "route": "soc"}]
}

test_probably_is_more_than_the_threshold if rules({"service": "tailscale", "llm_confidence": 0.7}) == []

test_models_are_told_of_the_exempt_too if {
	rules({"groups": ["tunnel-exempt"], "llm_confidence": 0.9}) == ["models-in-tunnel"]
}

test_models_in_corporate_vpn if {
	vpn := {"service": "wireguard", "kind": "vpn", "corporate": true}
	rules(object.union(vpn, {"llm_confidence": 0.9})) == ["models-in-corporate-vpn"]
	rules(object.union(vpn, {"llm_provider": "openai"})) == ["models-in-corporate-vpn"]
	rules(object.union(vpn, {"llm_confidence": 0})) == []
	rules(vpn) == []
}

test_corporate_is_audited if {
	vpn := object.union(sighting, {"service": "wireguard", "kind": "vpn", "corporate": true, "llm_confidence": 0.9})
	some decision in tunnel_policy.decisions with input as vpn with data.tunnel as policy
	decision.action == "audit"
}

test_without_service_user_and_process if {
	bare := {"id": "s2", "kind": "unknown", "confidence": 0.9, "groups": []}
	count(tunnel_policy.decisions) == 0 with input as bare with data.tunnel as policy
}

test_tor_without_a_name if {
	bare := {"id": "s2", "kind": "tor", "confidence": 0.9, "groups": []}
	some decision in tunnel_policy.decisions with input as bare with data.tunnel as policy
	decision.reason == "tunnels by tor are not allowed here"
}

test_without_its_data_it_is_off if {
	inputs := object.union(sighting, {"llm_confidence": 0.9})
	count(tunnel_policy.decisions) == 0 with input as inputs with data.tunnel as {}
}
