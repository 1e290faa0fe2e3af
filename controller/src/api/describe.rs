//! The API's description, OpenAPI 3.1, from the table of routes and the types of its bodies.

use std::collections::BTreeMap;

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use sark_api::ErrorBody;
use sark_core::identity::{Access, Needs};

use super::table::{Route, table};

/// What a route takes and gives.
#[derive(Default)]
pub(super) struct Shape {
    takes: Option<Body>,
    gives: Option<Body>,
    query: Vec<Parameter>,
    headers: Vec<&'static str>,
    nothing: Option<&'static str>,
}

/// A body.
enum Body {
    Json(fn(&mut SchemaGenerator) -> Schema),
    Other(Vec<&'static str>),
}

/// A parameter of a query.
pub(super) struct Parameter {
    name: &'static str,
    kind: Kind,
    required: bool,
    many: bool,
}

/// What a parameter of a query is.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Flag,
    Number,
    Limit,
}

impl Parameter {
    const fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, required: false, many: false }
    }

    /// A text.
    pub(super) const fn text(name: &'static str) -> Self {
        Self::new(name, Kind::Text)
    }

    /// `true` or `false`.
    pub(super) const fn flag(name: &'static str) -> Self {
        Self::new(name, Kind::Flag)
    }

    /// A number from 0.
    pub(super) const fn number(name: &'static str) -> Self {
        Self::new(name, Kind::Number)
    }

    /// How many are listed.
    pub(super) const fn limit() -> Self {
        Self::new("limit", Kind::Limit)
    }

    /// It has to be there.
    pub(super) const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// It may be there more than once.
    pub(super) const fn many(self) -> Self {
        Self { many: true, ..self }
    }

    fn describe(&self) -> Value {
        let one = match self.kind {
            Kind::Text => json!({ "type": "string" }),
            Kind::Flag => json!({ "type": "boolean" }),
            Kind::Number => json!({ "type": "integer", "minimum": 0 }),
            Kind::Limit => json!({ "type": "integer", "minimum": 1, "maximum": 1000 }),
        };
        let schema = if self.many { json!({ "type": "array", "items": one }) } else { one };
        json!({ "name": self.name, "in": "query", "required": self.required, "schema": schema })
    }
}

impl Shape {
    /// It takes this, as JSON.
    pub(super) fn takes<T: JsonSchema>(&mut self) {
        self.takes = Some(Body::Json(SchemaGenerator::subschema_for::<T>));
    }

    /// It takes something else.
    pub(super) fn takes_as(&mut self, kind: &'static str) {
        self.takes = Some(Body::Other(vec![kind]));
    }

    /// It gives this, as JSON.
    pub(super) fn gives<T: JsonSchema>(&mut self) {
        self.gives = Some(Body::Json(SchemaGenerator::subschema_for::<T>));
    }

    /// It gives one of these.
    pub(super) fn gives_as(&mut self, kinds: Vec<&'static str>) {
        self.gives = Some(Body::Other(kinds));
    }

    /// It has these parameters.
    pub(super) fn query(&mut self, parameters: Vec<Parameter>) {
        self.query = parameters;
    }

    /// When it gives nothing (204).
    pub(super) fn may_be_nothing(&mut self, when: &'static str) {
        self.nothing = Some(when);
    }

    /// It reads this header.
    pub(super) fn header(&mut self, name: &'static str) {
        self.headers.push(name);
    }
}

/// All of it.
#[must_use]
pub fn openapi() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut answers = settings.clone().for_serialize().into_generator();
    // What is sent may leave out what has a default: its types are others under one name.
    let mut questions =
        settings.with(|settings| settings.inline_subschemas = true).into_generator();
    let error = answers.subschema_for::<ErrorBody>();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for route in table() {
        let one = operation(&route, &error, &mut answers, &mut questions);
        paths.entry(route.path).or_default().insert(route.method.as_str().to_lowercase(), one);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "SARK",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The API of sarkd. Changed only in compatible ways: fields are added, never \
                            renamed. `x-sark-needs` says which role a route is for, `x-sark-line` which \
                            line of work a scope has to name.",
        },
        "security": [{ "token": [] }, { "certificate": [] }],
        "paths": paths,
        "components": {
            "schemas": answers.take_definitions(true),
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer", "bearerFormat": "sark_…" },
                "certificate": { "type": "mutualTLS" },
            },
        },
    })
}

fn operation(
    route: &Route,
    error: &Schema,
    answers: &mut SchemaGenerator,
    questions: &mut SchemaGenerator,
) -> Value {
    let Route { method, path, access, about, shape, .. } = route;
    let failed = |what: &str| json!({ "description": what, "content": { "application/json": { "schema": error } } });
    let mut given = json!({ "description": "Done." });
    if let Some(body) = &shape.gives {
        given["content"] = content(body, answers);
    }
    let mut responses = json!({
        "200": given,
        "4XX": failed("What was asked for is wrong, or not allowed: the error says what to do."),
        "503": failed("The store does not answer; nothing was changed."),
    });
    if let Some(when) = shape.nothing {
        responses["204"] = json!({ "description": when });
    }
    if let (Some(Body::Other(kinds)), "/readyz") = (&shape.gives, *path) {
        responses["503"] = json!({
            "description": "It is not ready.", "content": content(&Body::Other(kinds.clone()), answers),
        });
    }
    let named = path.split(['{', '}']).skip(1).step_by(2);
    let in_path = named.map(|name| {
        let schema = json!({ "type": "string", "minLength": 1 });
        json!({ "name": name, "in": "path", "required": true, "schema": schema })
    });
    let headers = shape.headers.iter().map(|name| {
        let schema =
            json!({ "type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$" });
        json!({ "name": name, "in": "header", "required": false, "schema": schema })
    });
    let query = shape.query.iter().map(Parameter::describe);
    let parameters: Vec<Value> = in_path.chain(query).chain(headers).collect();
    let mut one = json!({
        "operationId": id(method.as_str(), path),
        "summary": about,
        "tags": [access.line.as_str()],
        "responses": responses,
        "x-sark-needs": needs(*access),
        "x-sark-line": access.line.as_str(),
    });
    if access.needs == Needs::Nothing {
        one["security"] = json!([]);
    }
    if !parameters.is_empty() {
        one["parameters"] = Value::Array(parameters);
    }
    if let Some(body) = &shape.takes {
        one["requestBody"] = json!({ "required": true, "content": content(body, questions) });
    }
    one
}

fn content(body: &Body, generator: &mut SchemaGenerator) -> Value {
    match body {
        Body::Json(schema) => json!({ "application/json": { "schema": schema(generator) } }),
        Body::Other(kinds) => {
            let one = |kind: &&str| ((*kind).to_owned(), json!({ "schema": { "type": "string" } }));
            kinds.iter().map(one).collect::<Map<_, _>>().into()
        }
    }
}

/// As routes say it: `nothing`, `identity`, a role, `report`, `decide`, `proxy`, `enforcer`.
pub(super) fn needs(access: Access) -> String {
    match access.needs {
        Needs::Nothing => "nothing".to_owned(),
        Needs::Identity => "identity".to_owned(),
        Needs::Role(role) => role.to_string(),
        Needs::Report => "report".to_owned(),
        Needs::Decide => "decide".to_owned(),
        Needs::Proxy => "proxy".to_owned(),
        Needs::Enforcer => "enforcer".to_owned(),
    }
}

/// `getV1RegistryFeedsFeedPending`.
fn id(method: &str, path: &str) -> String {
    let mut id = method.to_lowercase();
    for word in path.split(|letter: char| !letter.is_ascii_alphanumeric()) {
        let mut letters = word.chars();
        id.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        id.extend(letters);
    }
    id
}

/// `GET /openapi.json`.
pub(super) async fn description() -> axum::Json<Value> {
    axum::Json(openapi())
}
