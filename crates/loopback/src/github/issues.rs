//! The issues of a repository, as far as GitHub's own command line asks for them: its GraphQL operations by name (GitHub GraphQL
//! API, "Issues"; `gh` 2.86, `pkg/cmd/issue` and `api/queries_issue.go`) and its labels (GitHub REST API, "Labels").
//!
//! A fake: it parses no GraphQL, and knows an operation by its name and answers with the members that `gh` asks for. It is strict
//! about the permission, about a label that is not there, about the state of an issue and about the length of its text.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::store::{Contents, Permission, Scope};
use super::{FORBIDDEN, NOT_FOUND, Refusal, caller, writer};
use crate::answer::answer;
use crate::traffic::Incoming;

/// The longest text of an issue or a comment, in characters ("body is too long (maximum is 65536 characters)").
const LONGEST: usize = 65_536;

/// An issue of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// The repository, `OWNER/NAME`.
    pub repository: String,
    /// What it is called.
    pub title: String,
    /// What it says, in Markdown.
    pub body: String,
    /// The names of its labels.
    pub labels: Vec<String>,
    /// Whether it is open.
    pub open: bool,
    /// What was added to it, the oldest first.
    pub comments: Vec<String>,
}

#[derive(Debug, Default)]
pub(super) struct Issues {
    pub(super) all: Vec<Issue>,
    /// Repository and name.
    labels: Vec<(String, String)>,
}

fn json_answer(status: StatusCode, body: &Value) -> Response {
    answer(status, &[("content-type", "application/json; charset=utf-8")], body.to_string())
}

/// `POST /repos/{owner}/{repo}/labels`.
pub(super) fn add_label(contents: &mut Contents, incoming: &Incoming, repository: &str) -> Result<Response, Refusal> {
    writer(contents, incoming, repository, Scope::Issues)?;
    let body = object(incoming)?;
    let name = text(&body, "/name")?.to_owned();
    let label = (repository.to_owned(), name.clone());
    if contents.issues.labels.contains(&label) {
        let error = json!({ "resource": "Label", "code": "already_exists", "field": "name" });
        let body = json!({ "message": "Validation Failed", "errors": [error] });
        return Ok(json_answer(StatusCode::UNPROCESSABLE_ENTITY, &body));
    }
    contents.issues.labels.push(label);
    Ok(json_answer(StatusCode::CREATED, &json!({ "name": name })))
}

/// `PATCH /repos/{owner}/{repo}/labels/{name}`.
pub(super) fn change_label(
    contents: &mut Contents,
    incoming: &Incoming,
    repository: &str,
    name: &str,
) -> Result<Response, Refusal> {
    writer(contents, incoming, repository, Scope::Issues)?;
    object(incoming)?;
    let known = contents.issues.labels.iter().any(|(of, known)| of == repository && known == name);
    if known { Ok(json_answer(StatusCode::OK, &json!({ "name": name }))) } else { Err(NOT_FOUND) }
}

/// `POST /graphql`.
pub(super) fn graphql(contents: &mut Contents, incoming: &Incoming) -> Result<Response, Refusal> {
    let token = caller(contents, incoming)?.ok_or(Refusal(StatusCode::UNAUTHORIZED, "Requires authentication"))?;
    let (repository, may_write) = (token.repository.clone(), token.may_write(Scope::Issues));
    if !may_write && !token.may(Scope::Issues, Permission::Read) {
        return Err(FORBIDDEN);
    }
    let body = object(incoming)?;
    let query = text(&body, "/query")?;
    let operation = operation(query).ok_or(Refusal(StatusCode::BAD_REQUEST, "the operation has no name"))?;
    if query.contains("mutation ") && !may_write {
        return Err(FORBIDDEN);
    }
    let data = answered(&mut contents.issues, &repository, operation, body.get("variables").unwrap_or(&Value::Null))?;
    Ok(json_answer(StatusCode::OK, &json!({ "data": data })))
}

/// The word behind `query` or `mutation`; fragments may stand before it.
fn operation(query: &str) -> Option<&str> {
    let rest = ["query ", "mutation "].iter().find_map(|word| query.split_once(word))?.1;
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
    (end > 0).then(|| &rest[..end])
}

fn answered(issues: &mut Issues, repository: &str, operation: &str, variables: &Value) -> Result<Value, Refusal> {
    let input = variables.get("input").unwrap_or(&Value::Null);
    match operation {
        // Which kinds of searches there are (introspection of the enumeration).
        "SearchType_enumValues" => {
            Ok(json!({ "SearchType": { "enumValues": [{ "name": "ISSUE" }, { "name": "ISSUE_ADVANCED" }] } }))
        }
        "IssueSearch" => search(issues, repository, text(variables, "/query")?),
        "IssueByNumber" => {
            let number = variables.get("number").and_then(Value::as_u64).unwrap_or_default();
            let at = usize::try_from(number).unwrap_or_default().wrapping_sub(1);
            let issue = issues.all.get(at).filter(|issue| issue.repository == repository).ok_or(NOT_FOUND)?;
            Ok(json!({ "repository": { "hasIssuesEnabled": true, "issue": shown(at, issue) } }))
        }
        "RepositoryInfo" => {
            let (owner, name) = repository.split_once('/').ok_or(NOT_FOUND)?;
            let member = json!({
                "id": repository, "name": name, "owner": { "login": owner }, "hasIssuesEnabled": true,
                "viewerPermission": "WRITE", "defaultBranchRef": { "name": "main" },
            });
            Ok(json!({ "repository": member }))
        }
        "RepositoryLabelList" => {
            let of_it = issues.labels.iter().filter(|(of, _)| of == repository);
            let nodes: Vec<Value> = of_it.map(|(_, name)| json!({ "id": name, "name": name })).collect();
            Ok(
                json!({ "repository": { "labels": { "nodes": nodes, "pageInfo": { "hasNextPage": false, "endCursor": "" } } } }),
            )
        }
        "IssueCreate" => create(issues, repository, input),
        "IssueUpdate" => {
            let body = limited(text(input, "/body")?)?;
            named(issues, repository, text(input, "/id")?)?.body = body;
            Ok(json!({ "updateIssue": { "__typename": "UpdateIssuePayload" } }))
        }
        "CommentCreate" => {
            let body = limited(text(input, "/body")?)?;
            named(issues, repository, text(input, "/subjectId")?)?.comments.push(body);
            Ok(json!({ "addComment": { "commentEdge": { "node": { "url": "https://github.com/comment" } } } }))
        }
        "IssueClose" => {
            let id = text(input, "/issueId")?;
            named(issues, repository, id)?.open = false;
            Ok(json!({ "closeIssue": { "issue": { "id": id } } }))
        }
        _ => Err(Refusal(StatusCode::NOT_IMPLEMENTED, "no such operation is known here")),
    }
}

/// Words of a search that are known: repository, state, type and labels.
fn search(issues: &Issues, repository: &str, query: &str) -> Result<Value, Refusal> {
    let mut labels = Vec::new();
    let mut open = None;
    for word in query.split_whitespace() {
        match word.split_once(':') {
            Some(("repo", named)) if named == repository => {}
            Some(("state", "open")) => open = Some(true),
            Some(("state", "closed")) => open = Some(false),
            Some(("type", "issue")) => {}
            Some(("label", name)) => labels.push(name.trim_matches('"')),
            _ => return Err(Refusal(StatusCode::UNPROCESSABLE_ENTITY, "a word of the search is not known here")),
        }
    }
    let fits = |issue: &Issue| {
        issue.repository == repository
            && open.is_none_or(|open| issue.open == open)
            && labels.iter().all(|label| issue.labels.iter().any(|own| own == label))
    };
    let nodes: Vec<Value> =
        issues.all.iter().enumerate().filter(|(_, issue)| fits(issue)).map(|(at, issue)| shown(at, issue)).collect();
    let page = json!({ "hasNextPage": false, "endCursor": "" });
    Ok(json!({
        "repository": { "hasIssuesEnabled": true },
        "search": { "issueCount": nodes.len(), "nodes": nodes, "pageInfo": page },
    }))
}

fn shown(at: usize, issue: &Issue) -> Value {
    json!({
        "__typename": "Issue", "id": format!("I_{}", at + 1), "number": at + 1, "title": issue.title, "body": issue.body,
        "state": if issue.open { "OPEN" } else { "CLOSED" },
        "url": format!("https://github.com/{}/issues/{}", issue.repository, at + 1),
    })
}

fn create(issues: &mut Issues, repository: &str, input: &Value) -> Result<Value, Refusal> {
    if text(input, "/repositoryId")? != repository {
        return Err(NOT_FOUND);
    }
    let mut labels = Vec::new();
    for id in input.get("labelIds").and_then(Value::as_array).into_iter().flatten() {
        let known = issues.labels.iter().find(|(of, name)| of == repository && id == name.as_str());
        labels.push(known.ok_or(NOT_FOUND)?.1.clone());
    }
    let issue = Issue {
        repository: repository.to_owned(),
        title: text(input, "/title")?.to_owned(),
        body: limited(text(input, "/body")?)?,
        labels,
        open: true,
        comments: vec![],
    };
    let shown = shown(issues.all.len(), &issue);
    issues.all.push(issue);
    Ok(json!({ "createIssue": { "issue": shown } }))
}

fn named<'a>(issues: &'a mut Issues, repository: &str, id: &str) -> Result<&'a mut Issue, Refusal> {
    let at = id.strip_prefix("I_").and_then(|number| number.parse::<usize>().ok()).unwrap_or_default().wrapping_sub(1);
    issues.all.get_mut(at).filter(|issue| issue.repository == repository).ok_or(NOT_FOUND)
}

fn limited(body: &str) -> Result<String, Refusal> {
    if body.chars().count() > LONGEST {
        return Err(Refusal(StatusCode::UNPROCESSABLE_ENTITY, "body is too long (maximum is 65536 characters)"));
    }
    Ok(body.to_owned())
}

fn object(incoming: &Incoming) -> Result<Value, Refusal> {
    serde_json::from_slice(&incoming.body)
        .ok()
        .filter(Value::is_object)
        .ok_or(Refusal(StatusCode::BAD_REQUEST, "Problems parsing JSON"))
}

fn text<'a>(value: &'a Value, pointer: &str) -> Result<&'a str, Refusal> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.ok_or(Refusal(StatusCode::UNPROCESSABLE_ENTITY, "a text is missing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_known_by_its_name() {
        assert_eq!(operation("fragment issue on Issue {id}query IssueSearch($repo: String!) {"), Some("IssueSearch"));
        assert_eq!(operation("\n\tmutation IssueClose($input: X!){"), Some("IssueClose"));
        assert_eq!(operation("query SearchType_enumValues{SearchType: __type"), Some("SearchType_enumValues"));
        assert_eq!(operation("{ viewer { login } }"), None);
    }
}
