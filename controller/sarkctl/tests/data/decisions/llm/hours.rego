package sark.llm.hours

decisions contains {"action": "audit", "rule_id": "weekend", "reason": "it is the weekend"} if {
	input.time.weekday >= 6
}
