# Models are asked when people work. See docs/policies/out-of-hours.md.
package sark.llm.out_of_hours

import data.sark.lib.names

hours := data.llm.hours

exempt if names.share(input.groups, hours.exempt_groups)

exempt if names.any_of(input.agent, hours.exempt_agents)

from := hours.from.hour * 60 + hours.from.minute

until := hours.until.hour * 60 + hours.until.minute

holiday if input.time.date in hours.holidays

within if {
	from <= until
	input.time.minute >= from
	input.time.minute < until
}

# Over midnight.
within if {
	from > until
	input.time.minute >= from
}

within if {
	from > until
	input.time.minute < until
}

at_work if {
	input.time.weekday in hours.days
	not holiday
	within
}

decisions contains {
	"action": hours.action,
	"rule_id": "out-of-hours",
	"reason": "models may be asked during working hours only",
} if {
	input.time.minute
	not at_work
	not exempt
}
