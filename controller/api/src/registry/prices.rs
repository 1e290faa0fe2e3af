//! What models cost: the list in use, its versions, and the cost of a call.

use jiff::Timestamp;
use sark_prices::{Call, Field, How, Line, Model, Picodollars, Price, PriceList, Unit, Usage, Why};
use serde::{Deserialize, Serialize};

/// Which list an answer is from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PriceSource {
    /// Its number; none for a file, or if there is no list.
    pub version: Option<u64>,
    /// SHA-256 of its octets; none if there is no list.
    pub hash: Option<String>,
}

/// Models with their prices, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PricesResponse {
    /// Which list.
    pub list: PriceSource,
    /// One each.
    pub models: Vec<ModelPrices>,
}

/// What a list says of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModelPrices {
    /// The list's name.
    pub name: String,
    /// The model that the name stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias_of: Option<String>,
    /// Who is paid, in the list's words.
    pub provider: Option<String>,
    /// `chat`, `embedding`.
    pub mode: Option<String>,
    /// Most tokens of a prompt.
    pub max_input: Option<u64>,
    /// Most tokens of an answer.
    pub max_output: Option<u64>,
    /// The day it goes, as the list writes it.
    pub deprecated: Option<String>,
    /// Of one unit each.
    pub prices: Vec<UnitPrice>,
    /// Prices by the length of the prompt, for the whole request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<PriceRange>,
}

/// One price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnitPrice {
    /// The list's name for it.
    pub field: String,
    /// What it is for.
    #[schemars(with = "serde_json::Value")]
    pub unit: Unit,
    /// US dollars of one, in full.
    #[schemars(with = "serde_json::Value")]
    pub usd: Picodollars,
}

/// Prices of prompts of some length.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PriceRange {
    /// More tokens than this.
    pub above: u64,
    /// And at most so many; without, any number.
    pub most: Option<u64>,
    /// Of one unit each.
    pub prices: Vec<UnitPrice>,
}

/// What was found for each name that was asked for, in that order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PriceLookupResponse {
    /// Which list.
    pub list: PriceSource,
    /// One each.
    pub results: Vec<PriceLookup>,
}

/// What was found for one name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PriceLookup {
    /// As asked.
    pub query: String,
    /// How it was found.
    #[schemars(with = "serde_json::Value")]
    pub how: Option<How>,
    /// Why it is unpriced.
    pub problem: Option<String>,
    /// What the list says.
    pub model: Option<ModelPrices>,
}

/// What was called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CostRequest {
    /// The registry's slug, or the list's word.
    #[serde(default)]
    pub provider: Option<String>,
    /// As the provider names it.
    pub model: String,
    /// `batches`, `priority`, `flex`, or another word of the list.
    #[serde(default)]
    pub tier: Option<String>,
    /// How much of each unit; every token in one unit only.
    #[schemars(with = "serde_json::Value")]
    pub usage: Usage,
    /// By the list of this number; without, by the one in use.
    #[serde(default)]
    pub version: Option<u64>,
}

/// What it costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CostResponse {
    /// Which list.
    pub list: PriceSource,
    /// The list's name of the model.
    pub entry: Option<String>,
    /// How it was found.
    #[schemars(with = "serde_json::Value")]
    pub how: Option<How>,
    /// What has a price.
    pub lines: Vec<CostLine>,
    /// What was used and has none: unknown, not free.
    pub unpriced: Vec<UnpricedItem>,
    /// US dollars of all lines, exact.
    #[schemars(with = "serde_json::Value")]
    pub total: Picodollars,
    /// Nothing is unpriced.
    pub complete: bool,
}

/// One unit's part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CostLine {
    /// What was used.
    #[schemars(with = "serde_json::Value")]
    pub unit: Unit,
    /// How much.
    pub count: u64,
    /// US dollars of one.
    #[schemars(with = "serde_json::Value")]
    pub price: Picodollars,
    /// The list's name of the price.
    pub source: String,
    /// The price that it stands in for, which the list does not have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<String>,
    /// US dollars.
    #[schemars(with = "serde_json::Value")]
    pub amount: Picodollars,
}

/// Something without a price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnpricedItem {
    /// What was used.
    #[schemars(with = "serde_json::Value")]
    pub unit: Unit,
    /// How much.
    pub count: u64,
    /// Why there is no price.
    #[schemars(with = "serde_json::Value")]
    pub why: Why,
}

/// Newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PriceVersionsResponse {
    /// The one in use.
    pub in_use: Option<u64>,
    /// One each.
    pub versions: Vec<PriceVersionView>,
}

/// One list that was in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PriceVersionView {
    /// From 1.
    pub number: u64,
    /// SHA-256 of its octets.
    pub hash: String,
    /// When it came into use.
    pub at: Timestamp,
    /// Why: `feed price-list`.
    pub cause: String,
    /// By whom.
    pub actor: String,
}

impl PriceSource {
    /// Of this list.
    #[must_use]
    pub fn of(list: &PriceList, version: Option<u64>) -> Self {
        let is_there = version.is_some() || !list.is_empty();
        Self { version, hash: is_there.then(|| list.hash().to_string()) }
    }
}

/// All models of a list, or a provider's.
#[must_use]
pub fn prices(list: &PriceList, version: Option<u64>, provider: Option<&str>) -> PricesResponse {
    let models = list
        .models()
        .filter(|(name, _)| provider.is_none_or(|provider| list.belongs(provider, name)));
    PricesResponse {
        list: PriceSource::of(list, version),
        models: models.map(|(name, model)| ModelPrices::of(name, model)).collect(),
    }
}

/// What a list has for these names.
#[must_use]
pub fn price_lookup(
    list: &PriceList,
    version: Option<u64>,
    provider: Option<&str>,
    queries: &[String],
) -> PriceLookupResponse {
    let one = |query: &String| match list.lookup(provider, query) {
        Ok(found) => PriceLookup {
            query: query.clone(),
            how: Some(found.how),
            problem: None,
            model: Some(ModelPrices::of(found.name, found.model)),
        },
        Err(why) => PriceLookup {
            query: query.clone(),
            how: None,
            problem: Some(why.to_string()),
            model: None,
        },
    };
    PriceLookupResponse {
        list: PriceSource::of(list, version),
        results: queries.iter().map(one).collect(),
    }
}

/// What a call costs by a list.
#[must_use]
pub fn cost(list: &PriceList, version: Option<u64>, request: &CostRequest) -> CostResponse {
    let CostRequest { provider, model, tier, usage, .. } = request;
    let (provider, tier) = (provider.as_deref(), tier.as_deref());
    let cost = list.cost(&Call { provider, model, tier, usage });
    let unpriced = cost.unpriced.iter().map(|item| UnpricedItem {
        unit: item.unit,
        count: item.count,
        why: item.why,
    });
    CostResponse {
        list: PriceSource::of(list, version),
        complete: cost.is_whole(),
        unpriced: unpriced.collect(),
        lines: cost.lines.iter().map(CostLine::from).collect(),
        entry: cost.entry,
        how: cost.how,
        total: cost.total,
    }
}

impl ModelPrices {
    fn of(name: &str, model: &Model) -> Self {
        let word = |word: &Option<std::sync::Arc<str>>| word.as_deref().map(str::to_owned);
        Self {
            name: name.to_owned(),
            alias_of: (name != &*model.name).then(|| model.name.to_string()),
            provider: word(&model.provider),
            mode: word(&model.mode),
            max_input: model.max_input,
            max_output: model.max_output,
            deprecated: word(&model.deprecated),
            prices: model.prices.iter().map(UnitPrice::from).collect(),
            ranges: model
                .ranges
                .iter()
                .map(|range| PriceRange {
                    above: range.above,
                    most: range.most,
                    prices: range.prices.iter().map(UnitPrice::from).collect(),
                })
                .collect(),
        }
    }
}

impl From<&Price> for UnitPrice {
    fn from(price: &Price) -> Self {
        Self { field: price.field.to_string(), unit: price.field.unit, usd: price.amount }
    }
}

impl From<&Line> for CostLine {
    fn from(line: &Line) -> Self {
        Self {
            unit: line.unit,
            count: line.count,
            price: line.price,
            source: line.source.to_string(),
            instead_of: line.instead_of.as_ref().map(Field::to_string),
            amount: line.amount,
        }
    }
}
