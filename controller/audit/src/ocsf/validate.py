# Reads OCSF events, one a line, and says whether each is valid by its class and its profiles.
import json
import sys

from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version="1.8.0"))
validators = {}


def validator(event):
    key = (event["class_uid"], tuple(event["metadata"].get("profiles", [])))
    if key not in validators:
        name = schema.lookup_class_name_from_uid(key[0])
        validators[key] = Draft202012Validator(schema.get_class_schema(name, list(key[1])))
    return validators[key]


events = [json.loads(line) for line in sys.stdin]
wrong = False
for event in events:
    for error in validator(event).iter_errors(event):
        wrong = True
        where = "/".join(str(part) for part in error.absolute_path)
        print(f"{event['metadata']['event_code']} ({event['class_uid']}): {where}: {error.message[:300]}")
    assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
    assert event["metadata"]["version"] == "1.8.0"
if wrong:
    sys.exit(1)
broken = dict(events[0], severity_id="high", shoe_size=44)
found = " ".join(error.message for error in validator(broken).iter_errors(broken))
assert "'high'" in found and "shoe_size" in found, found
print(f"{len(events)} events are valid, and a wrong one is not")
