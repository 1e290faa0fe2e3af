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
limit(period) := limits.users[input.user][period] if {
	limits.users[input.user][period]
} else := max(found) if {
	found := of_groups(period)
	count(found) > 0
} else := limits.everyone[period]

of_groups(period) := [limits.groups[group][period] |
	some group in input.groups
	limits.groups[group][period]
]

# Rules, so that each is found once and not for every question below.
day := limit("day_usd")

month := limit("month_usd")

day_most := micro(day)

month_most := micro(month)

day_over if over(input.spend.day_microusd, day_most)

month_over if over(input.spend.month_microusd, month_most)

# As spending is counted: in millionths.
micro(usd) := round(usd * 1000000)

# Nothing is left, or less than this request costs.
over(spent, most) if spent >= most

over(spent, most) if spent + asked > most

near(spent, most) if (spent + asked) * 100 >= most * limits.near_percent

decisions contains {
	"action": "deny",
	"rule_id": "day-limit",
	"reason": sprintf("your limit of %v US dollars a day is reached", [day]),
} if {
	day_over
	not exempt
}

decisions contains {
	"action": "deny",
	"rule_id": "month-limit",
	"reason": sprintf("your limit of %v US dollars a month is reached", [month]),
} if {
	month_over
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
	near(input.spend.day_microusd, day_most)
	not day_over
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
	near(input.spend.month_microusd, month_most)
	not month_over
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
