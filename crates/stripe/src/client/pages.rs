//! Reading a list to its end.

use std::marker::PhantomData;

use serde::de::DeserializeOwned;

use super::{Client, Fetched, StripeError};
use crate::{
    form::Params,
    objects::{Identified, Kept, List},
};

/// A list that is read page by page, newest first.
#[derive(Debug)]
pub struct Pager<T> {
    client: Client,
    path: String,
    params: Params,
    finished: bool,
    of: PhantomData<fn() -> T>,
}

impl<T> Pager<T> {
    pub(super) fn new(client: Client, path: String, params: Params) -> Self {
        // The largest page Stripe gives, unless the caller asked for another.
        let params = if params.get("limit").is_some() { params } else { params.set("limit", 100) };
        Self { client, path, params, finished: false, of: PhantomData }
    }
}

impl<T: DeserializeOwned + Identified> Pager<T> {
    /// The next page; `None` after the last one. After an error the same page can be asked for
    /// again.
    ///
    /// # Errors
    /// [`StripeError`] of the request.
    pub async fn next_page(&mut self) -> Result<Option<Fetched<List<Kept<T>>>>, StripeError> {
        if self.finished {
            return Ok(None);
        }
        let page: Fetched<List<Kept<T>>> = self.client.get(&self.path, &self.params).await?;
        match page.object.data.last() {
            Some(last) if page.object.has_more => {
                let params = std::mem::take(&mut self.params);
                self.params = params.set("starting_after", last.id());
            }
            _ => self.finished = true,
        }
        Ok(Some(page))
    }

    /// All objects, read page by page, but not much more than `most`: the last page read is
    /// kept whole.
    ///
    /// # Errors
    /// [`StripeError`] of the first request that fails; what was read before is dropped.
    pub async fn collect(mut self, most: usize) -> Result<Vec<Kept<T>>, StripeError> {
        let mut all = Vec::new();
        while all.len() < most {
            match self.next_page().await? {
                Some(page) => all.extend(page.object.data),
                None => break,
            }
        }
        Ok(all)
    }
}
