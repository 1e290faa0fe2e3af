# Carriers as RFC 1149 has them, by whatever sensor sees them. See docs/policies/rfc1149.md.
package sark.sensor.rfc1149

limits := data.sensor.rfc1149

counts if {
	input.kind == "rfc1149"
	input.confidence >= limits.confidence
	not exempt
}

exempt if input.site in limits.exempt_sites

laden if input.facts.payload == true

laden if input.facts.payload_bytes > 0

place := object.get(input, "site", "an unnamed site")

decisions contains {
	"action": "alert",
	"rule_id": "carrier-with-payload",
	"reason": sprintf("%v saw a carrier with payload at %v", [input.sensor, place]),
} if {
	counts
	input.event == "carrier"
	laden
}

decisions contains {
	"action": "alert",
	"rule_id": "carriers-repeat",
	"severity": "high",
	"reason": sprintf("%v carriers at %v within 30 minutes", [input.recent, place]),
	"obligations": [{"type": "notify", "route": limits.notify}],
} if {
	counts
	input.event == "carrier"
	laden
	input.recent > limits.repeat_over
}

decisions contains {
	"action": "alert",
	"rule_id": "escape",
	"severity": "high",
	"reason": sprintf("a carrier got away from %v with %v bytes", [place, input.facts.payload_bytes]),
	"obligations": [{"type": "notify", "route": limits.notify}],
} if {
	counts
	input.event == "escape"
	input.facts.payload_bytes > limits.escape_over_bytes
}

decisions contains {
	"action": "alert",
	"rule_id": "coverage-gap",
	"reason": sprintf("nobody watches the air at %v: all agents nap", [place]),
} if {
	counts
	input.event == "coverage"
	input.facts.agents_awake == 0
}

# Nobody is told of it; it ends the alert of the gap.
decisions contains {
	"action": "audit",
	"rule_id": "covered",
	"reason": sprintf("somebody watches the air at %v: %v agents are awake", [place, input.facts.agents_awake]),
} if {
	counts
	input.event == "coverage"
	input.facts.agents_awake > 0
}
