package sark.sensor.rfc1149_test

import data.sark.sensor.rfc1149

limits := {
	"confidence": 0.5,
	"repeat_over": 3,
	"escape_over_bytes": 100000,
	"notify": "soc",
	"exempt_sites": ["loft"],
}

carrier := {
	"id": "r1",
	"sensor": "roof-cat-2",
	"kind": "rfc1149",
	"event": "carrier",
	"site": "roof",
	"confidence": 0.9,
	"recent": 1,
	"facts": {"payload": true, "payload_bytes": 512},
	"groups": [],
}

answers(change) := found if {
	found := rfc1149.decisions with input as object.union(carrier, change)
		with data.sensor.rfc1149 as limits
}

rules(change) := {decision.rule_id | some decision in answers(change)}

seen(facts) := rules_of({"kind": "rfc1149", "event": "carrier", "sensor": "c", "confidence": 1, "recent": 1, "facts": facts})

rules_of(inputs) := {decision.rule_id |
	some decision in rfc1149.decisions with input as inputs with data.sensor.rfc1149 as limits
}

test_carrier_with_payload if {
	some decision in answers({})
	decision.action == "alert"
	decision.rule_id == "carrier-with-payload"
	decision.reason == "roof-cat-2 saw a carrier with payload at roof"
}

test_payload_of_either_sort if {
	seen({"payload": true}) == {"carrier-with-payload"}
	seen({"payload_bytes": 1}) == {"carrier-with-payload"}
}

test_carrier_without_payload if {
	seen({"payload": false, "payload_bytes": 0}) == set()
	seen({}) == set()
	rules_of({"kind": "rfc1149", "event": "carrier", "sensor": "c", "confidence": 1, "recent": 9}) == set()
}

test_three_are_not_yet_many if rules({"recent": 3}) == {"carrier-with-payload"}

test_more_than_three if {
	rules({"recent": 4}) == {"carrier-with-payload", "carriers-repeat"}
	some decision in answers({"recent": 4})
	decision.rule_id == "carriers-repeat"
	decision.severity == "high"
	decision.obligations == [{"type": "notify", "route": "soc"}]
	decision.reason == "4 carriers at roof within 30 minutes"
}

test_many_without_payload if rules({"recent": 40, "facts": {"payload": false, "payload_bytes": 0}}) == set()

test_escape if {
	some decision in answers({"event": "escape", "facts": {"payload_bytes": 100001}})
	decision.rule_id == "escape"
	decision.action == "alert"
	decision.severity == "high"
	decision.obligations == [{"type": "notify", "route": "soc"}]
	decision.reason == "a carrier got away from roof with 100001 bytes"
}

test_small_escape if rules({"event": "escape", "facts": {"payload_bytes": 100000}}) == set()

test_escape_with_nobody_knows_what if {
	rules_of({"kind": "rfc1149", "event": "escape", "sensor": "c", "confidence": 1}) == set()
}

test_all_nap if rules({"event": "coverage", "facts": {"agents": 3, "agents_awake": 0}}) == {"coverage-gap"}

test_one_is_awake if {
	awake := {"event": "coverage", "facts": {"agents": 3, "agents_awake": 1}}
	rules(awake) == {"covered"}
	some decision in answers(awake)
	decision.action == "audit"
	decision.reason == "somebody watches the air at roof: 1 agents are awake"
}

test_perhaps_one_is_awake if {
	rules({"confidence": 0.499, "event": "coverage", "facts": {"agents": 3, "agents_awake": 1}}) == set()
}

test_coverage_without_numbers if rules({"event": "coverage"}) == set()

test_heartbeat if rules({"event": "heartbeat"}) == set()

test_another_kind if rules({"kind": "generic"}) == set()

test_not_sure if rules({"confidence": 0.499}) == set()

test_without_site if {
	bare := {"kind": "rfc1149", "event": "coverage", "sensor": "c", "confidence": 1, "facts": {"agents_awake": 0}}
	some decision in rfc1149.decisions with input as bare with data.sensor.rfc1149 as limits
	decision.reason == "nobody watches the air at an unnamed site: all agents nap"
}

test_exempt_site if {
	rules({"site": "loft", "recent": 9}) == set()
	rules({"site": "loft", "event": "escape", "facts": {"payload_bytes": 200000}}) == set()
	rules({"site": "loft", "event": "coverage", "facts": {"agents_awake": 0}}) == set()
	rules({"site": "loft", "event": "coverage", "facts": {"agents": 3, "agents_awake": 3}}) == set()
}

test_without_its_data_it_is_off if {
	count(rfc1149.decisions) == 0 with input as carrier with data.sensor as {}
}
