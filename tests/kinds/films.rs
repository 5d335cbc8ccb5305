//! A shop that lends films: a small database with something of everything that people define, plain enough that every server
//! reads it. No look at an upgrade may have a word to say about it.

use crate::bench::Bench;

/// Its checks, when an upgrade is looked at.
pub const CHECKS: [&str; 11] = [
    "upgrade_code",
    "upgrade_columns",
    "upgrade_names",
    "upgrade_definitions",
    "upgrade_checker",
    "collations",
    "foreign_keys",
    "family_objects",
    "float_columns",
    "json_columns",
    "storage",
];

const DEFINED: &[&str] = &[
    "CREATE DATABASE video CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
    "CREATE TABLE video.film (id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, title VARCHAR(120) NOT NULL, made YEAR, \
     fee DECIMAL(6, 2) NOT NULL DEFAULT 2.50, grade ENUM('all', 'teens', 'adults') NOT NULL DEFAULT 'all', \
     extras SET('trailer', 'cuts', 'talk'), changed TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, \
     short_title VARCHAR(20) AS (LEFT(title, 20)) STORED, KEY by_title (title), FULLTEXT KEY words (title))",
    "CREATE TABLE video.actor (id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, name VARCHAR(80) NOT NULL, born DATE)",
    "CREATE TABLE video.plays (film_id INT UNSIGNED, actor_id INT UNSIGNED, PRIMARY KEY (film_id, actor_id), \
     CONSTRAINT in_film FOREIGN KEY (film_id) REFERENCES video.film (id), \
     CONSTRAINT by_actor FOREIGN KEY (actor_id) REFERENCES video.actor (id))",
    "CREATE TABLE video.member (id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, mail VARCHAR(120) NOT NULL, since DATETIME NOT NULL, \
     balance DECIMAL(8, 2) NOT NULL DEFAULT 0, UNIQUE KEY by_mail (mail))",
    "CREATE TABLE video.rental (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, film_id INT UNSIGNED NOT NULL, \
     member_id INT UNSIGNED NOT NULL, lent DATETIME NOT NULL, returned DATETIME, \
     CONSTRAINT rents FOREIGN KEY (film_id) REFERENCES video.film (id), \
     CONSTRAINT rented_by FOREIGN KEY (member_id) REFERENCES video.member (id))",
    "CREATE VIEW video.cast_of AS SELECT f.title AS title, GROUP_CONCAT(a.name ORDER BY a.name SEPARATOR ', ') AS actors \
     FROM video.film f LEFT JOIN video.plays p ON p.film_id = f.id LEFT JOIN video.actor a ON a.id = p.actor_id \
     GROUP BY f.id, f.title",
    "CREATE SQL SECURITY INVOKER VIEW video.still_out AS SELECT m.mail AS mail, f.title AS title, \
     DATEDIFF(NOW(), r.lent) AS days FROM video.rental r JOIN video.member m ON m.id = r.member_id \
     JOIN video.film f ON f.id = r.film_id WHERE r.returned IS NULL",
    "CREATE FUNCTION video.fine_for(days INT, fee DECIMAL(6, 2)) RETURNS DECIMAL(8, 2) DETERMINISTIC \
     BEGIN DECLARE late INT DEFAULT 0; SET late = GREATEST(days - 3, 0); -- three days are free\n\
     IF late > 30 THEN RETURN 10 * fee; END IF; RETURN late * fee / 2; END",
    "CREATE VIEW video.fines AS SELECT o.mail AS mail, SUM(video.fine_for(o.days, 2.5)) AS owed FROM video.still_out o \
     GROUP BY o.mail",
    "CREATE PROCEDURE video.give_back(IN which BIGINT UNSIGNED, OUT owed DECIMAL(8, 2)) MODIFIES SQL DATA \
     BEGIN DECLARE lent_at DATETIME; DECLARE EXIT HANDLER FOR NOT FOUND SET owed = NULL; /* nobody has it */ \
     SELECT r.lent INTO lent_at FROM video.rental r WHERE r.id = which; \
     SET owed = video.fine_for(DATEDIFF(NOW(), lent_at), 2.5); \
     UPDATE video.rental SET returned = NOW() WHERE id = which; END",
    "CREATE TRIGGER video.owes AFTER UPDATE ON video.rental FOR EACH ROW BEGIN \
     IF OLD.returned IS NULL AND NEW.returned IS NOT NULL THEN UPDATE video.member \
     SET balance = balance - video.fine_for(DATEDIFF(NEW.returned, NEW.lent), 2.5) WHERE id = NEW.member_id; END IF; END",
    "CREATE TRIGGER video.plain_title BEFORE INSERT ON video.film FOR EACH ROW SET NEW.title = TRIM(NEW.title)",
    "CREATE EVENT video.forget ON SCHEDULE EVERY 1 DAY STARTS '2026-01-01 03:00:00' ON COMPLETION PRESERVE DISABLE \
     COMMENT 'old rentals' DO DELETE FROM video.rental WHERE returned < NOW() - INTERVAL 2 YEAR",
    "INSERT INTO video.film (title, made) VALUES ('A quiet river', 1999), ('The last tram', 2011)",
];

/// Makes it on a server.
pub async fn prepare(bench: &Bench, server: &str) {
    for statement in DEFINED {
        bench.exec(server, statement).await;
    }
}
