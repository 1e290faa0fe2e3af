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
} else := max(of_groups(period)) if {
	count(of_groups(period)) > 0
} else := limits.everyone[period]

of_groups(period) := [limits.groups[group][period] |
	some group in input.groups
	limits.groups[group][period]
]

micro(usd) := round(usd * 1000000)

# Nothing is left, or less than this request costs.
over(spent, usd) if spent >= micro(usd)

over(spent, usd) if spent + asked > micro(usd)

near(spent, usd) if (spent + asked) * 100 >= micro(usd) * limits.near_percent

decisions contains {
	"action": "deny",
	"rule_id": "day-limit",
	"reason": sprintf("your limit of %v US dollars a day is reached", [limit("day_usd")]),
} if {
	over(input.spend.day_microusd, limit("day_usd"))
	not exempt
}

decisions contains {
	"action": "deny",
	"rule_id": "month-limit",
	"reason": sprintf("your limit of %v US dollars a month is reached", [limit("month_usd")]),
} if {
	over(input.spend.month_microusd, limit("month_usd"))
	not exempt
}

decisions contains {
	"action": "alert",
	"rule_id": "day-near",
	"severity": "low",
	"reason": sprintf(
		"%v percent of the limit of %v US dollars a day are spent",
		[limits.near_percent, limit("day_usd")],
	),
} if {
	near(input.spend.day_microusd, limit("day_usd"))
	not over(input.spend.day_microusd, limit("day_usd"))
	not exempt
}

decisions contains {
	"action": "alert",
	"rule_id": "month-near",
	"severity": "low",
	"reason": sprintf(
		"%v percent of the limit of %v US dollars a month are spent",
		[limits.near_percent, limit("month_usd")],
	),
} if {
	near(input.spend.month_microusd, limit("month_usd"))
	not over(input.spend.month_microusd, limit("month_usd"))
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
