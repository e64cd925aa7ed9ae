//! A registered client, and the tokens that it gets.

use serde_json::{Value, json};

use super::{Client, Reply, TestApp};

/// A client's id and secret.
pub struct Vendor {
    pub id: String,
    pub secret: String,
}

impl Vendor {
    /// Makes a client, with a grant for each of some agencies since 2020.
    pub async fn make(app: &TestApp, body: &Value, agencies: &[&str]) -> Self {
        let staff = app.staff();
        let made = staff.post("/v1/clients", body).await.expect(201);
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        let vendor = Self { id: text("client_id"), secret: text("client_secret") };
        for agency in agencies {
            let grant = json!({"client": vendor.id, "agency": agency, "starts_on": "2020-01-01", "ends_on": null});
            staff.post("/v1/grants", &grant).await.expect(201);
        }
        vendor
    }

    /// Asks for a token by the form, with parameters beside those of the client.
    pub async fn ask(&self, app: &TestApp, more: &[(&str, &str)]) -> Reply {
        let mut form = vec![("grant_type", "client_credentials"), ("client_id", self.id.as_str()), ("client_secret", self.secret.as_str())];
        form.extend(more);
        let stranger = app.stranger();
        let request = stranger.request(reqwest::Method::POST, "/oauth/token");
        let body = serde_urlencoded::to_string(form).unwrap();
        stranger.send(request.header("content-type", "application/x-www-form-urlencoded").body(body)).await
    }

    /// Calls with a token of its own.
    pub async fn client(&self, app: &TestApp) -> Client {
        let token = self.ask(app, &[]).await.expect(200)["access_token"].as_str().unwrap().to_owned();
        Client::new(&app.address, Some(token))
    }
}
