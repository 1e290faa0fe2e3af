package sark.llm.models

decisions contains {"action": "deny", "rule_id": "now"} if time.now_ns() > 0

decisions contains {"action": "deny", "rule_id": "self"} if count(decisions) > 0
