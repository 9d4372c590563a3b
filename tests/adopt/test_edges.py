"""The edges that a project has, by each kind of evidence, and what is no evidence."""

from __future__ import annotations

import pytest

from tests.adopt.stranger import as_text, found, needs, service, stack, why

DB = {"expose": ["5432"]}


def _edges(exposed=None, seen=(), db=DB, **web):
    """The edges of `web` to `db`, whose one known port is 5432."""
    return as_text(found(stack(web=service(**web), db=service(**db), shop=service()), exposed, *seen))


@pytest.mark.parametrize(
    ("key", "value", "port"),
    [
        ("DATABASE_URL", "postgresql://shop:shop@db:6000/shop", 6000),
        ("DATABASE_URL", "postgresql+asyncpg://shop:s@cr:t@db/shop?sslmode=off", 5432),
        ("SPRING_DATASOURCE_URL", "jdbc:mysql://db/shop", 3306),
        ("CACHE", "redis://:pw@db", 6379),
        ("BROKER", "amqp://db//", 5672),
        ("MONGO", "mongodb://u:p@db,db:27018/x", 27017),
        ("API", "http://db/path", 80),
        ("API", "https://db", 443),
        ("API", "tcp://db", 5432),
        ("DSN", "shop:pw@tcp(db:3306)/shop", 3306),
        ("PGPASS", "db:5433:shop:user:pw", 5433),
        ("SERVERS", "db:9092,db:9092", 9092),
        ("ADDRESS", "DB:9092", 9092),
        ("CONNECTION", "host=db port=5433 dbname=shop", 5433),
        ("CONNECTION", "Server=db;Port=3307;Database=shop", 3307),
        ("CONNECTION", "Data Source=db,1433;Initial Catalog=shop", 1433),
        ("CONNECTION", "host=db dbname=shop", 5432),
        ("DB_HOST", "db", 5432),
        ("PGHOST", "db", 5432),
        ("DB_ADDR", "shop-db-1", 5432),
        ("KAFKA_BOOTSTRAP_SERVERS", "db.shop_default", 5432),
        ("LISTENERS", "PLAIN_TEXT://web:9092,CONTROLLER://db:9093", 9093),
        ("NODES", "http://shop:1,http://db:2", 2),
    ],
)
def test_a_variable_that_holds_a_host_is_an_edge(key, value, port):
    """A URL, a name with its port, a connection string, a bare host; the port that it says, or that goes with it."""
    edges = _edges(environment={key: value})
    assert edges.get(f"web -> db:{port}") == f"environment {key}"


@pytest.mark.parametrize(
    ("environment", "port"),
    [
        ({"DB_HOST": "db", "DB_PORT": "6000"}, 6000),
        ({"PGHOST": "db", "PGPORT": "6001"}, 6001),
        ({"DB_HOSTNAME": "db", "DB_PORT": "6002"}, 6002),
        ({"DB_ADDR": "db", "DB_ADDR_PORT": "6003"}, 6003),
        ({"PRIMARY": "db", "PRIMARY_PORT": "5432"}, 5432),
    ],
)
def test_the_port_stands_in_the_variable_beside_the_host(environment, port):
    """DB_PORT with DB_HOST."""
    assert list(_edges(environment=environment)) == [f"web -> db:{port}"]


def test_a_host_with_several_ports_is_an_edge_for_each():
    """API_PORT_GRPC and API_PORT_HTTP with API_HOST; PORT is the service's own."""
    environment = {"DB_HOST": "db", "DB_PORT_GRPC": "4317", "DB_PORT_HTTP": "4318", "PORT": "80"}
    assert list(_edges(environment=environment)) == ["web -> db:4317", "web -> db:4318"]
    assert list(_edges(environment={"HOST": "db", "PORT": "80"})) == ["web -> db:5432"]


@pytest.mark.parametrize(
    ("environment", "exposed", "ports"),
    [
        ({"REDIS_HOST": "db"}, (), [6379]),
        ({"RABBITMQ_HOST": "db"}, (4369, 5672), [5672]),
        ({"QUEUE_HOST": "db"}, (4369, 5672), [4369, 5672]),
        ({"QUEUE_HOST": "db"}, (), []),
    ],
)
def test_a_bare_host_is_dialled_on_the_ports_that_are_known(environment, exposed, ports):
    """The only one; else the one that the variable's name suggests; else all of them."""
    edges = _edges({"db": exposed}, db={}, environment=environment)
    assert list(edges) == [f"web -> db:{port}" for port in ports]


@pytest.mark.parametrize(
    ("command", "port"),
    [
        (["wait-for-it.sh", "db:5432", "--", "serve"], 5432),
        (["sh", "-c", "psql -h db -p 5433 && serve"], 5433),
        (["serve", "--db-host", "db", "--db-port", "5434"], 5434),
        (["serve", "--redis-host=db"], 5432),
        (["sh", "-c", "until nc -z db 5432; do sleep 10; done"], 5432),
        (["bash", "-c", "until echo > /dev/tcp/db/5433; do sleep 1; done"], 5433),
        (["serve", "--upstream", "http://db:81/x"], 81),
    ],
)
def test_the_words_of_a_command_are_evidence(command, port):
    """URLs, names with ports, and options for a host."""
    assert _edges(command=command) == {f"web -> db:{port}": "command"}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("POSTGRES_DB", "shop"),
        ("POSTGRES_USER", "db"),
        ("SERVICE_NAME", "db"),
        ("CACHE_DRIVER", "db"),
        ("DATABASE_URL", "postgresql://db:5432@example.org/db"),
        ("DATABASE_URL", "sqlite:///db:5432"),
        ("BACKUP", "file://me@db:5432/x"),
        ("DATABASE_URL", "postgresql://db:70000"),
        ("DATABASE_URL", "postgresql://db:0"),
        ("SOME_IMAGE", "db:5432"),
        ("DB_VERSION", "db:5432"),
        ("BASE", "db:16"),
        ("BASE", "library/db:5432"),
        ("BASE", "db:5432-alpine"),
        ("NO_PROXY", "db,shop"),
        ("ALLOWED_HOSTS", "db"),
        ("CORS_ORIGINS", "http://db:5432"),
        ("TEXT", "mydb:5432 db2:5432 db.example.org:5432 db-x:5432"),
        ("TEXT", "the db is down"),
        ("LOGIN", "db:5432@elsewhere"),
        ("PRIMARY", "db"),
        ("DB", "db"),
        ("SELF_URL", "http://web:8000"),
        ("URL", "http://${db}:5432"),
    ],
)
def test_a_word_that_merely_equals_a_name_is_no_edge(key, value):
    """The name of a database, an image, a user, a list of who may call, a part of another name, one's own name."""
    assert _edges(environment={key: value}) == {}


def test_a_dependency_is_an_edge_for_each_port_that_is_known():
    """From the file and from elsewhere, unless something says which."""
    web = {"depends_on": needs("db")}
    assert _edges({"db": (5433,)}, **web) == {"web -> db:5432": "depends_on", "web -> db:5433": "depends_on"}
    told = _edges({"db": (5433,)}, environment={"URL": "pg://db:5433"}, **web)
    assert told == {"web -> db:5433": "environment URL, depends_on"}


def test_a_link_is_an_edge_and_says_its_alias():
    """And the dependency that it implies is said with it."""
    edges = _edges(links=["db:database"], depends_on=needs("db"), environment={"DB_HOST": "database"})
    assert edges == {"web -> db:5432": "environment DB_HOST, link db:database, depends_on"}
    assert _edges(links=["db"]) == {"web -> db:5432": "link db"}


def test_connections_that_were_seen_are_edges():
    """Whatever the file says."""
    edges = _edges(seen=[("web", "db", 7000, 14), ("db", "web", 80, 1)])
    assert edges == {"web -> db:7000": "14 connections seen", "db -> web:80": "1 connection seen"}


def test_what_the_user_says_in_x_harness_is_an_edge():
    """That is what adopt asks for where it knows no port."""
    project = stack(None, {"web-db": {"client": "web", "service": "db", "port": 99}}, web=service(), db=service())
    assert as_text(found(project)) == {"web -> db:99": "x-harness"}


def test_a_job_that_must_have_ended_is_no_edge():
    """But a job is a client like any other."""
    ended = needs("migrate", condition="service_completed_successfully")
    project = stack(
        web=service(depends_on=ended),
        migrate=service(restart="no", expose=["80"], environment={"URL": "pg://db"}),
        db=service(),
    )
    assert as_text(found(project)) == {"migrate -> db:5432": "environment URL"}


def test_edges_of_who_lives_in_anothers_network_belong_to_that_one():
    """As a client and as a dependency; between the two there is none."""
    project = stack(
        web=service(environment={"ADMIN": "http://db:9000"}),
        db=service(),
        side=service(
            network_mode="service:db",
            depends_on=needs("db", "web"),
            expose=["9000"],
            environment={"WEB_URL": "http://web:80", "DB_URL": "pg://db"},
        ),
    )
    assert as_text(found(project, None, ("web", "side", 9001, 3))) == {
        "db -> web:80": "environment WEB_URL of side, depends_on of side",
        "web -> db:9000": "environment ADMIN",
        "web -> db:9001": "3 connections seen",
    }


def test_a_dependency_that_no_profile_asks_for_is_not_there():
    """Compose leaves it out, and so does adopt, without a word."""
    project = stack(web=service(depends_on={"off": {"condition": "service_started", "required": False}}))
    assert (as_text(found(project)), why(found(project))) == ({}, {})
