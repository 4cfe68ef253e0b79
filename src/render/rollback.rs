//! Going back to what an older deploy built (contract §4).

use std::collections::BTreeSet;

use serde_json::json;

use super::http::Call;
use super::{DEPLOYS_MIN, Render, Result, Triggered};
use crate::service::{Deploy, DeployId, ServiceId};

impl Render {
    /// Orders a deploy of what `target` built, without a build. Auto-deploy stays as it is.
    ///
    /// Never two: when the answer is lost, the deploy it made is looked for, and the order is not repeated.
    pub async fn roll_back(&self, id: &ServiceId, target: &Deploy) -> Result<Triggered> {
        let known = self.deploys(id, DEPLOYS_MIN).await?;
        let known: BTreeSet<DeployId> = known.into_iter().map(|deploy| deploy.id).collect();
        let ordered_at = self.now();
        let body = json!({ "deployId": target.id });
        let call = Call::post(format!("a rollback to `{}`", target.id), &["services", &id.0, "rollback"], Some(body));
        let error = match self.order(&call).await {
            Ok(triggered) => return Ok(triggered),
            Err(error) => error,
        };
        if !error.may_have_acted() {
            return Err(error);
        }
        match self.find_ordered(id, &known, target.commit.as_ref(), ordered_at).await {
            Ok(Some(deploy)) => Ok(Triggered::Started(deploy)),
            _ => Err(error),
        }
    }
}
