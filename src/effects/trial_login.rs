//! A login over the path that another client will take, and a logout.

use super::{Cover, Effects, Login, Session, Tls, replica};
use crate::domain::Action;
use crate::domain::endpoint::Endpoint;
use crate::error::{Failure, Result};
use crate::playbook::inventory::{Account, Verify};
use futures_util::future::BoxFuture;

/// The path of a login: an address as seen from a host.
#[derive(Debug, Clone, Copy)]
pub struct LoginPath<'a> {
    /// Host the connection starts from.
    pub host: &'a str,
    /// Address it goes to, as that host sees it.
    pub address: &'a str,
    /// For TLS as a replica does it: file on that host with the authority that has signed the server's certificate. Without
    /// it the login goes as the runner's own do.
    pub authority: Option<&'a str>,
    /// It always goes without TLS, like that of a replica whose connection is encrypted by something else.
    pub bare: bool,
}

impl LoginPath<'_> {
    /// What [`Effects::try_login`] does, for a plan.
    #[must_use]
    pub fn actions(&self, server: &str, user: &str) -> Vec<Action> {
        let read = self.authority.map(|file| Action::read(self.host, file));
        let login = [Action::login(server, user, self.host, self.address), Action::sql(server, WHO)];
        read.into_iter().chain(login).collect()
    }
}

/// The account that a login arrived as.
const WHO: &str = "SELECT CURRENT_USER()";

impl Effects {
    /// Logs in to `server` as `account` along the path it will use, and logs out. Returns the account that let it in:
    /// an anonymous one may stand in the way.
    ///
    /// # Errors
    /// When the login is refused: the server's answer is in the failure.
    #[must_use]
    pub fn try_login<'a>(
        &'a self,
        server: &'a str,
        account: &'a Account,
        path: LoginPath<'a>,
    ) -> BoxFuture<'a, Result<String>> {
        Box::pin(async move {
            let (user, from, address) = ((&account.user).into(), path.host.to_owned(), path.address.into());
            let login = Action::Login { server: server.to_owned(), user, host: from, address };
            self.planned(format!("log in as {}", account.user), login).map_err(|failure| failure.at(server))?;
            let tls = match path.authority {
                Some(file) => Some(self.authority(path, file).await?),
                None => None,
            };
            if let Some(stand_in) = &self.hands.stand_in {
                let said = stand_in.answers.login(server, &account.user);
                return said.map_err(|error| {
                    Failure::permanent(format!("log in as {}", account.user), error.message).at(server)
                });
            }
            let cover = match tls {
                Some(tls) => Cover::Tls(tls),
                None if path.bare => self.plain_cover(server, path.host, path.address),
                None => self.cover(server, path.host, path.address).await?,
            };
            let address = self.reach(path.host, path.address).await?;
            let password = Some(account.password.clone());
            let login = Login { server: server.to_owned(), address, user: account.user.clone(), password, cover };
            let session = Session::open(login, self.hands.secrets.clone()).await?;
            let arrived = session.query(WHO, replica::LOOK).await?;
            session.close().await;
            Ok(arrived.value().unwrap_or_default().to_owned())
        })
    }

    /// What a certificate is verified with: the authority's file is on the host where the connection starts.
    async fn authority(&self, path: LoginPath<'_>, file: &str) -> Result<Tls> {
        let read = self.host(path.host).await?.read_file(file).await?;
        let authority = read.ok_or_else(|| {
            Failure::permanent("read the certificate authority", format!("there is no file {file}"))
                .at(path.host)
                .help("put it there, or correct `tls.ca_on_host` of the server in the inventory")
        })?;
        let name = Endpoint::of(path.address).plain_host();
        Ok(Tls { authority, file: format!("{file} on {}", path.host), name, verify: Verify::Name })
    }
}
