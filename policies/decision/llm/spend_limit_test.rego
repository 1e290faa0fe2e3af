package sark.llm.spend_limit_test

import data.sark.llm.spend_limit

limits := {
	"everyone": {"day_usd": 50, "month_usd": 500},
	"groups": {
		"contractors": {"day_usd": 10, "month_usd": 100},
		"research": {"day_usd": 200},
		"nothing": {"day_usd": 0, "month_usd": 0},
	},
	"users": {"ann": {"day_usd": 0.5}},
	"near_percent": 80,
	"unpriced": "audit",
	"exempt_groups": ["llm-exempt"],
}

of(request, day, month) := {"request_microusd": request, "day_microusd": day, "month_microusd": month}

asking(spend, user, groups) := {
	"operation": "chat",
	"user": user,
	"groups": groups,
	"spend": spend,
}

rules(inputs) := [decision.rule_id |
	some decision in spend_limit.decisions with input as inputs with data.llm.spend as limits
]

anyone(request, day, month) := rules(asking(of(request, day, month), "bob", []))

test_within if anyone(1000, 1000000, 1000000) == []

test_day_to_the_last_cent if anyone(1000000, 49000000, 49000000) == ["day-near"]

test_day if anyone(1000001, 49000000, 49000000) == ["day-limit"]

test_day_is_spent if anyone(0, 50000000, 50000000) == ["day-limit"]

test_month if anyone(2, 0, 499999999) == ["month-limit"]

test_day_and_month if anyone(2, 50000000, 500000000) == ["day-limit", "month-limit"]

test_near if {
	anyone(0, 40000000, 40000000) == ["day-near"]
	anyone(0, 39999999, 39999999) == []
	anyone(0, 0, 400000000) == ["month-near"]
	anyone(0, 0, 399999999) == []
}

test_refused_with_the_limit if {
	some decision in spend_limit.decisions with input as asking(of(0, 20000000, 0), "bob", ["contractors"])
		with data.llm.spend as limits
	decision.action == "deny"
	decision.reason == "your limit of 10 US dollars a day is reached"
}

test_limit_of_a_group if rules(asking(of(0, 10000000, 10000000), "bob", ["contractors"])) == ["day-limit"]

test_highest_of_groups if {
	rules(asking(of(0, 90000000, 90000000), "bob", ["contractors", "research"])) == ["month-near"]
}

test_group_without_a_period_has_everyones if {
	rules(asking(of(0, 0, 500000000), "bob", ["research"])) == ["month-limit"]
}

test_users_own_goes_before_groups if {
	rules(asking(of(0, 500000, 500000), "ann", ["research"])) == ["day-limit"]
	rules(asking(of(1, 399998, 399998), "ann", ["research"])) == []
}

test_a_limit_of_nothing if rules(asking(of(0, 0, 0), "bob", ["nothing"])) == ["day-limit", "month-limit"]

test_nobody_in_particular if {
	inputs := {"operation": "chat", "groups": [], "spend": of(0, 50000000, 0)}
	rules(inputs) == ["day-limit"]
}

test_unpriced if {
	inputs := asking({"day_microusd": 0, "month_microusd": 0}, "bob", [])
	some decision in spend_limit.decisions with input as inputs with data.llm.spend as limits
	decision.rule_id == "unpriced"
	decision.action == "audit"
}

test_unpriced_when_all_is_spent if {
	inputs := asking({"day_microusd": 50000000, "month_microusd": 0}, "bob", [])
	rules(inputs) == ["unpriced", "day-limit"]
}

test_without_spend if rules({"operation": "chat", "groups": []}) == ["unpriced"]

test_what_costs_nothing if rules({"operation": "models", "groups": []}) == []

test_a_price_of_nothing_is_a_price if anyone(0, 0, 0) == []

test_exempt if {
	rules(asking(of(1, 99000000, 999000000), "bob", ["llm-exempt"])) == []
	rules({"operation": "chat", "groups": ["llm-exempt"]}) == []
}

test_without_its_data_it_is_off if {
	inputs := asking(of(1, 99000000, 999000000), "bob", [])
	count(spend_limit.decisions) == 0 with input as inputs with data.llm as {}
}
