package sark.llm.out_of_hours_test

import data.sark.llm.out_of_hours

hours := {
	"days": [1, 2, 3, 4, 5],
	"from": {"hour": 7, "minute": 30},
	"until": {"hour": 20, "minute": 0},
	"holidays": ["2026-12-25"],
	"action": "alert",
	"exempt_groups": ["on-call"],
	"exempt_agents": ["review-bot*"],
}

at(date, weekday, minute) := {"groups": [], "time": {"date": date, "weekday": weekday, "minute": minute}}

rules_by(inputs, by) := [decision.rule_id |
	some decision in out_of_hours.decisions with input as inputs with data.llm.hours as by
]

rules(inputs) := rules_by(inputs, hours)

test_at_work if rules(at("2026-11-27", 5, 600)) == []

test_first_minute if {
	rules(at("2026-11-27", 5, 450)) == []
	rules(at("2026-11-27", 5, 449)) == ["out-of-hours"]
}

test_last_minute if {
	rules(at("2026-11-27", 5, 1199)) == []
	rules(at("2026-11-27", 5, 1200)) == ["out-of-hours"]
}

test_weekend if rules(at("2026-11-28", 6, 600)) == ["out-of-hours"]

test_holiday if rules(at("2026-12-25", 5, 600)) == ["out-of-hours"]

test_action_is_data if {
	some decision in out_of_hours.decisions with input as at("2026-11-28", 6, 600)
		with data.llm.hours as hours
	decision.action == "alert"
}

test_over_midnight if {
	night := object.union(hours, {"from": {"hour": 22, "minute": 0}, "until": {"hour": 6, "minute": 0}})
	rules_by(at("2026-11-27", 5, 1320), night) == []
	rules_by(at("2026-11-27", 5, 359), night) == []
	rules_by(at("2026-11-27", 5, 360), night) == ["out-of-hours"]
	rules_by(at("2026-11-27", 5, 1319), night) == ["out-of-hours"]
}

test_exempt_group if rules(object.union(at("2026-11-28", 6, 600), {"groups": ["on-call"]})) == []

test_exempt_agent if {
	rules(object.union(at("2026-11-28", 6, 600), {"agent": "review-bot-2"})) == []
	rules(object.union(at("2026-11-28", 6, 600), {"agent": "claude-code"})) == ["out-of-hours"]
}

test_without_time if rules({"groups": []}) == []

test_without_its_data_it_is_off if {
	inputs := at("2026-11-28", 6, 600)
	count(out_of_hours.decisions) == 0 with input as inputs with data.llm as {}
}
