//! Questions about how accounts log in, and who else reads a server's binary log.

use super::Dialect;

/// The file in `plugin_dir` by which a replica of `MariaDB` logs in to an account with `caching_sha2_password`. Its packages have
/// it beside the client library, where the server does not look (error 2059, seen on 11.8.9).
pub const LOGIN_PLUGIN: &str = "caching_sha2_password.so";

impl Dialect {
    /// Accounts with the way they log in: columns `user`, `host`, `plugin` (empty for `mysql_native_password`). Those
    /// that the server keeps for itself are left out.
    #[must_use]
    pub fn account_plugins(self) -> &'static str {
        "SELECT User AS user, Host AS host, plugin FROM mysql.user WHERE User NOT IN \
         ('mysql.sys', 'mysql.session', 'mysql.infoschema', 'mariadb.sys', 'PUBLIC') ORDER BY User, Host"
    }

    /// Ways to log in that the server offers: column `name`.
    #[must_use]
    pub fn login_plugins(self) -> &'static str {
        "SELECT PLUGIN_NAME AS name FROM information_schema.PLUGINS \
         WHERE PLUGIN_TYPE = 'AUTHENTICATION' AND PLUGIN_STATUS = 'ACTIVE' ORDER BY 1"
    }

    /// Whether a replica of this program can log in to an account with `caching_sha2_password`. `MariaDB` from 11.4.9,
    /// 11.8.4 and 12.1.1 on (its own page on compatibility); before, error 2059 (measured on 10.11.19).
    #[must_use]
    pub fn speaks_caching_sha2(self) -> bool {
        let series = |major, minor| self.product.version.0 == major && self.product.version.1 == minor;
        !self.is_mariadb()
            || self.mariadb(12, 1, 1)
            || series(11, 4) && self.mariadb(11, 4, 9)
            || series(11, 8) && self.mariadb(11, 8, 4)
    }

    /// Whether an account that is made without a word on how it logs in uses `caching_sha2_password`, unless the server is
    /// configured otherwise: `MySQL` from 8.0.4 on.
    #[must_use]
    pub fn makes_caching_sha2(self) -> bool {
        self.mysql(8, 0, 4) || self.is_series(8, 0)
    }

    /// The folder of the server's plugins.
    #[must_use]
    pub fn plugin_folder(self) -> &'static str {
        "SELECT @@GLOBAL.plugin_dir"
    }

    /// Programs that read the binary log now, replicas and others: columns `user`, `host`.
    #[must_use]
    pub fn binlog_readers(self) -> &'static str {
        "SELECT USER AS user, HOST AS host FROM information_schema.PROCESSLIST \
         WHERE COMMAND IN ('Binlog Dump', 'Binlog Dump GTID') ORDER BY HOST"
    }

    /// Replicas that have registered: columns `Server_id`, `Host`, `Port`.
    #[must_use]
    pub fn registered_replicas(self) -> &'static str {
        if self.mysql(8, 0, 22) { "SHOW REPLICAS" } else { "SHOW SLAVE HOSTS" }
    }

    /// Filters of the appliers where they are no variables: columns `name`, `value`.
    #[must_use]
    pub fn applier_filters(self) -> Option<&'static str> {
        self.mysql(8, 0, 0).then_some(
            "SELECT FILTER_NAME AS name, FILTER_RULE AS value \
             FROM performance_schema.replication_applier_global_filters UNION \
             SELECT CONCAT(FILTER_NAME, ' of channel ', CHANNEL_NAME), FILTER_RULE \
             FROM performance_schema.replication_applier_filters ORDER BY 1",
        )
    }

    /// Variables in `mysqld-auto.cnf`, which overrides the configuration file: column `name`. `None` where there is no
    /// such file.
    #[must_use]
    pub fn all_persisted_variables(self) -> Option<&'static str> {
        self.mysql(8, 0, 0)
            .then_some("SELECT VARIABLE_NAME AS name FROM performance_schema.persisted_variables ORDER BY 1")
    }
}
