//! Both servers at `[::1]`, their accounts at `::1`: reached, tunnelled, followed, switched and followed back.

use crate::bench::{Bench, mysql};
use cutover::domain::product::Family;
use cutover::effects::free_port;
use serde_json::{Value, json};

/// Every account of the servers may come from `::1` alone, and every address is one of IPv6.
async fn bench(family: Family) -> Bench {
    let mut bench = Bench::with_options(family, family, &["bind_address = *"], |_| {}).await;
    for (server, password) in [("source", "alt#''wort"), ("target", "neu\"wort")] {
        bench.exec(server, &format!("CREATE USER migrate@'::1' IDENTIFIED BY '{password}'")).await;
        bench.exec(server, "GRANT ALL PRIVILEGES ON *.* TO migrate@'::1' WITH GRANT OPTION").await;
    }
    let ports = [("source", bench.source.address()), ("target", bench.target.address())];
    for (server, address) in ports {
        let port = address.rsplit_once(':').unwrap().1.to_owned();
        bench.world.inventory.servers.get_mut(server).unwrap().address = format!("[::1]:{port}");
    }
    let shop = &mut bench.world.inventory.applications.get_mut("shop").unwrap().accounts[0];
    shop.host = Some("::1".into());
    bench.anew().await;
    for server in ["source", "target"] {
        assert_eq!(bench.ask(server, "SELECT CURRENT_USER()").await, "migrate@::1");
        bench.exec(server, "CREATE DATABASE d").await;
        bench.exec(server, "CREATE TABLE d.t (id INT PRIMARY KEY AUTO_INCREMENT)").await;
    }
    bench
}

/// A tunnel from one host to a server of the other, listening on IPv6 itself.
fn tunnel(bench: &Bench, from: &str, to: &str, server: &str) -> Value {
    let listen = format!("[::1]:{}", free_port().unwrap());
    json!({ "from": from, "to": to, "listen": listen, "forward": bench.world.inventory.servers[server].address })
}

fn through(step: &str, tunnel: &Value) -> Value {
    json!({ "step": step, "listen": tunnel["listen"] })
}

async fn there_and_back(family: Family) {
    let bench = bench(family).await;
    bench.exec("source", "CREATE USER shop@'::1' IDENTIFIED BY 'laden'").await;
    bench.exec("source", "GRANT ALL ON d.* TO shop@'::1'").await;
    let [there, back] = [("new", "old", "source"), ("old", "new", "target")].map(|(a, b, c)| tunnel(&bench, a, b, c));
    for tunnel in [&there, &back] {
        bench.step("tunnel", tunnel).execute().await.unwrap();
    }
    let account = json!({ "server": "source", "replica": "target", "through": through("tunnel", &there) });
    assert_eq!(bench.step("replication_account", &account).execute().await.unwrap()["account"], "repl@::1");
    let account =
        json!({ "server": "target", "replica": "source", "binlog": false, "through": through("way_back", &back) });
    assert_eq!(bench.step("replication_account", &account).execute().await.unwrap()["account"], "repl@::1");
    let accounts = json!({ "application": "shop", "from": "source", "to": "target" });
    assert_eq!(bench.step("accounts", &accounts).execute().await.unwrap()["proved"], "shop@::1");

    let follow = json!({ "replica": "target", "source": "source", "position": bench.position().await,
                         "through": through("tunnel", &there) });
    let follow = bench.step("change_source", &follow);
    assert_eq!(follow.inspect().await, vec![]);
    follow.execute().await.unwrap();
    follow.execute().await.unwrap(); // it knows its own channel again
    bench.exec("source", "INSERT INTO d.t VALUES (), ()").await;
    let lag = json!({ "replica": "target", "source": "source", "max_lag": "1s", "for": "1s" });
    bench.step("wait_for_lag", &lag).execute().await.unwrap();
    assert_eq!(bench.ask("target", "SELECT COUNT(*) FROM d.t").await, "2");

    let fence = bench.step("fence", &json!({ "server": "source", "replica": "target" }));
    fence.prepare().await.unwrap();
    let position = fence.execute().await.unwrap()["position"].clone();
    bench.caught_up().await;
    let promote = json!({ "server": "target", "position": position, "forget": "later" });
    let own = bench.step("promote", &promote).execute().await.unwrap()["position"].clone();
    bench.step("forget_source", &json!({ "server": "target" })).execute().await.unwrap();
    let with =
        json!({ "replica": "source", "source": "target", "position": own, "through": through("way_back", &back) });
    bench.step("reverse_replication", &with).execute().await.unwrap();
    bench.exec("target", "INSERT INTO d.t VALUES ()").await;
    bench.has_all("source", "target").await;
    assert_eq!(bench.ask("source", "SELECT COUNT(*) FROM d.t").await, "3");
}

#[tokio::test]
async fn mariadb_servers_at_ipv6_addresses_are_switched_and_followed_back() {
    there_and_back(Family::MariaDb).await;
}

#[tokio::test]
async fn mysql_servers_at_ipv6_addresses_are_switched_and_followed_back() {
    if mysql().await {
        there_and_back(Family::MySql).await;
    }
}
