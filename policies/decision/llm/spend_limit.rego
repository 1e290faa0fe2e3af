# What may be spent. See docs/policies/spend-limit.md.
package sark.llm.spend_limit

import data.sark.lib.names

limits := data.llm.spend

exempt if names.share(input.groups, limits.exempt_groups)

# Operations that cost something.
costs if input.operation in {"chat", "completion", "embedding", "image", "audio", "batch"}

# This request, in millionths of a US dollar: nothing if its price cannot be told.
asked := object.get(input.spend, "request_microusd", 0)

# In US dollars: the user's own limit; or the highest of the user's groups; or everyone's.
day := limits.users[input.user].day_usd if {
	limits.users[input.user].day_usd
} else := max(found) if {
	found := [limits.groups[group].day_usd | some group in input.groups]
	count(found) > 0
} else := limits.everyone.day_usd

month := limits.users[input.user].month_usd if {
	limits.users[input.user].month_usd
} else := max(found) if {
	found := [limits.groups[group].month_usd | some group in input.groups]
	count(found) > 0
} else := limits.everyone.month_usd

# Over is with nothing left, or less than this request costs. Spending is counted in millionths.
state(usd, spent) := "over" if {
	spent + max([asked, 1]) > round(usd * 1000000)
} else := "near" if {
	(spent + asked) * 100 >= round(usd * 1000000) * limits.near_percent
}

day_state := state(day, input.spend.day_microusd)

month_state := state(month, input.spend.month_microusd)

decisions contains {
	"action": "deny",
	"rule_id": "day-limit",
	"reason": sprintf("your limit of %v US dollars a day is reached", [day]),
} if {
	day_state == "over"
	not exempt
}

decisions contains {
	"action": "deny",
	"rule_id": "month-limit",
	"reason": sprintf("your limit of %v US dollars a month is reached", [month]),
} if {
	month_state == "over"
	not exempt
}

decisions contains {
	"action": "alert",
	"rule_id": "day-near",
	"severity": "low",
	"reason": sprintf(
		"%v percent of the limit of %v US dollars a day are spent",
		[limits.near_percent, day],
	),
} if {
	day_state == "near"
	not exempt
}

decisions contains {
	"action": "alert",
	"rule_id": "month-near",
	"severity": "low",
	"reason": sprintf(
		"%v percent of the limit of %v US dollars a month are spent",
		[limits.near_percent, month],
	),
} if {
	month_state == "near"
	not exempt
}

decisions contains {
	"action": limits.unpriced,
	"rule_id": "unpriced",
	"reason": "the price of the request cannot be told, and does not count against the limits",
} if {
	costs
	not input.spend.request_microusd
	not exempt
}
