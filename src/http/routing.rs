//! Which operation answers a request: found once, by the segments of its path, and kept with the request. The framework tries the
//! expression of every path in turn, each time that it is asked.

use std::collections::HashMap;
use std::str::Split;
use std::sync::Arc;

use actix_web::guard::GuardContext;
use actix_web::http::Method;
use actix_web::{HttpMessage as _, HttpRequest, web};

use super::openapi::Operation;
use super::registry::Registry;

/// A path of the document.
#[derive(Debug)]
pub struct Route {
    /// As it is written in the document, with names in braces.
    pub pattern: String,
    operations: Vec<Answering>,
}

/// An operation of a path.
#[derive(Debug)]
pub struct Answering {
    /// Its method.
    pub method: Method,
    /// What else is to be known of it.
    pub operation: Arc<Operation>,
    /// Which of the groups of operations has it.
    pub group: usize,
}

/// What answers a request: an operation, or a path that lacks the method, or nothing in the document.
#[derive(Debug, Clone, Default)]
pub struct Routed {
    route: Option<Arc<Route>>,
    place: Option<usize>,
}

impl Routed {
    /// What answers a request; found at the first question, and kept.
    pub fn of(request: &HttpRequest) -> Self {
        if let Some(routed) = request.extensions().get::<Self>() {
            return routed.clone();
        }
        let Some(registry) = request.app_data::<web::Data<Registry>>() else { return Self::default() };
        // The path as the router reads it.
        let routed = registry.documents.routed(request.method(), request.match_info().as_str());
        request.extensions_mut().insert(routed.clone());
        routed
    }

    /// The path as it is written in the document; `None` where there is no such path.
    pub fn pattern(&self) -> Option<&str> {
        self.route.as_ref().map(|route| route.pattern.as_str())
    }

    /// The operation.
    pub fn operation(&self) -> Option<&Arc<Operation>> {
        self.answering().map(|answering| &answering.operation)
    }

    /// Whether the operation asks for a token.
    pub fn takes_token(&self) -> bool {
        self.operation().is_some_and(|operation| operation.takes_token)
    }

    /// Whether the operation has parameters in the query.
    pub fn takes_query(&self) -> bool {
        self.operation().is_some_and(|operation| operation.takes_query)
    }

    fn answering(&self) -> Option<&Answering> {
        self.route.as_ref()?.operations.get(self.place?)
    }
}

/// What a request is counted under: the path as it is written in the document, or `unmatched`.
pub fn label(request: &HttpRequest) -> String {
    Routed::of(request).pattern().map_or_else(|| request.match_pattern().unwrap_or_else(|| "unmatched".into()), str::to_owned)
}

/// Whether an operation of a group answers the request.
pub fn is_of_group(context: &GuardContext<'_>, group: usize) -> bool {
    context.req_data().get::<Routed>().and_then(Routed::answering).is_some_and(|answering| answering.group == group)
}

/// The paths of the document, as a tree of their segments.
#[derive(Debug, Default)]
pub struct Routes {
    root: Node,
    by_pattern: HashMap<String, Arc<Route>>,
}

/// What begins alike.
#[derive(Debug, Default)]
struct Node {
    fixed: HashMap<String, Node>,
    /// Where the next segment may be anything, but not empty.
    any: Option<Box<Node>>,
    route: Option<Arc<Route>>,
}

impl Routes {
    /// Adds a path.
    pub fn add(&mut self, pattern: &str, operations: Vec<Answering>) {
        let route = Arc::new(Route { pattern: pattern.to_owned(), operations });
        let mut node = &mut self.root;
        for segment in pattern.split('/') {
            node = if segment.starts_with('{') { node.any.get_or_insert_default() } else { node.fixed.entry(segment.to_owned()).or_default() };
        }
        node.route = Some(route.clone());
        self.by_pattern.insert(route.pattern.clone(), route);
    }

    /// A path, by how it is written in the document.
    pub fn by_pattern(&self, method: &Method, pattern: &str) -> Option<&Arc<Operation>> {
        let found = self.by_pattern.get(pattern)?.operations.iter().find(|answering| answering.method == *method);
        found.map(|answering| &answering.operation)
    }

    /// What answers a method of a path. Of several paths that fit, one that has the method goes before one that hasn't, and one without
    /// parameters before one with.
    pub fn find(&self, method: &Method, path: &str) -> Routed {
        // What answers GET answers HEAD.
        let method = if method == Method::HEAD { &Method::GET } else { method };
        let mut found = Routed::default();
        self.root.walk(path.split('/'), &mut |route| {
            let place = route.operations.iter().position(|answering| answering.method == *method);
            if found.route.is_none() || place.is_some() {
                found = Routed { route: Some(route.clone()), place };
            }
            place.is_some()
        });
        found
    }
}

impl Node {
    /// Shows the paths that fit to `is_it`, until it says so; answers whether it did.
    fn walk(&self, mut rest: Split<'_, char>, is_it: &mut impl FnMut(&Arc<Route>) -> bool) -> bool {
        let Some(segment) = rest.next() else { return self.route.as_ref().is_some_and(is_it) };
        if self.fixed.get(segment).is_some_and(|node| node.walk(rest.clone(), is_it)) {
            return true;
        }
        !segment.is_empty() && self.any.as_ref().is_some_and(|node| node.walk(rest, is_it))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes() -> Routes {
        let mut routes = Routes::default();
        let paths = [
            ("/v1/completions", vec![Method::GET, Method::POST]),
            ("/v1/completions/{id}", vec![Method::GET]),
            ("/v1/completions/batch", vec![Method::POST]),
            ("/v1/completions/{id}/revisions", vec![Method::GET]),
            ("/livez", vec![Method::GET]),
        ];
        for (group, (pattern, methods)) in paths.into_iter().enumerate() {
            let answering = |method: Method| Answering {
                operation: Arc::new(Operation { id: format!("{method} {pattern}"), ..Operation::default() }),
                method,
                group,
            };
            routes.add(pattern, methods.into_iter().map(answering).collect());
        }
        routes
    }

    #[test]
    fn the_operation_is_found_by_the_segments_of_the_path() {
        let routes = routes();
        let found = |method: Method, path: &str| routes.find(&method, path).operation().map(|operation| operation.id.clone());
        let is = |id: &str| Some(id.to_owned());
        assert_eq!(found(Method::GET, "/livez"), is("GET /livez"));
        assert_eq!(found(Method::HEAD, "/livez"), is("GET /livez"));
        assert_eq!(found(Method::POST, "/v1/completions"), is("POST /v1/completions"));
        assert_eq!(found(Method::GET, "/v1/completions/7"), is("GET /v1/completions/{id}"));
        assert_eq!(found(Method::GET, "/v1/completions/7/revisions"), is("GET /v1/completions/{id}/revisions"));
        assert_eq!(found(Method::GET, "/v1/completions/batch/revisions"), is("GET /v1/completions/{id}/revisions"));
        assert_eq!(found(Method::POST, "/v1/completions/batch"), is("POST /v1/completions/batch"));
        assert_eq!(found(Method::GET, "/v1/completions/batch"), is("GET /v1/completions/{id}"));
    }

    #[test]
    fn a_path_without_the_method_is_known_and_one_that_is_none_is_not() {
        let routes = routes();
        let found = |method: Method, path: &str| routes.find(&method, path).pattern().map(str::to_owned);
        let is = |pattern: &str| Some(pattern.to_owned());
        assert_eq!(found(Method::DELETE, "/v1/completions/batch"), is("/v1/completions/batch"));
        assert_eq!(found(Method::DELETE, "/v1/completions/7"), is("/v1/completions/{id}"));
        assert_eq!(routes.find(&Method::DELETE, "/livez").operation(), None);
        for path in ["", "/", "livez", "/livez/", "/v1", "/v1/completions/", "/v1/completions//revisions", "/v1/completions/7/8", "//livez"] {
            assert_eq!(found(Method::GET, path), None, "{path}");
        }
    }
}
