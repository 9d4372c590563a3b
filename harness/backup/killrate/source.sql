-- A small shop that has one of everything that a backup can lose.
CREATE ROLE shop_owner;
CREATE ROLE shop_app LOGIN;
CREATE ROLE shop_reader;
GRANT shop_reader TO shop_app;
CREATE DATABASE shop OWNER shop_owner TEMPLATE template0;
ALTER DATABASE shop SET statement_timeout = '90s';
CREATE DATABASE archive TEMPLATE template0;
\connect archive
CREATE TABLE old_orders (id int PRIMARY KEY, total numeric NOT NULL);
INSERT INTO old_orders SELECT n, n * 1.5 FROM generate_series(1, 300) n;
\connect shop
SET search_path = public;
GRANT CREATE ON SCHEMA public TO shop_owner;
SET ROLE shop_owner;
CREATE TYPE state AS ENUM ('placed', 'paid', 'sent', 'returned');
CREATE DOMAIN email AS text CHECK (VALUE LIKE '%@%');
CREATE TYPE address AS (street text, zip text);
CREATE SEQUENCE invoice_numbers START 1000 INCREMENT 10;
CREATE TABLE customers (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    mail email NOT NULL UNIQUE,
    name text NOT NULL,
    home address,
    tags text[] NOT NULL DEFAULT '{}',
    notes jsonb
);
CREATE TABLE products (
    sku text PRIMARY KEY,
    title text NOT NULL,
    price numeric(10, 2) NOT NULL CHECK (price > 0),
    taxed numeric(10, 2) GENERATED ALWAYS AS (price * 1.2) STORED,
    weight double precision,
    picture bytea,
    stock integer NOT NULL DEFAULT 0
);
CREATE TABLE orders (
    id bigserial PRIMARY KEY,
    customer int NOT NULL REFERENCES customers,
    placed_at timestamptz NOT NULL,
    state state NOT NULL DEFAULT 'placed',
    total numeric(12, 2) NOT NULL,
    took interval,
    hint varchar(40)
);
CREATE TABLE order_lines (
    order_id bigint NOT NULL REFERENCES orders,
    line int NOT NULL,
    sku text NOT NULL REFERENCES products,
    pieces int NOT NULL CHECK (pieces > 0),
    PRIMARY KEY (order_id, line)
);
CREATE TABLE ledger (account text NOT NULL, amount numeric(14, 2) NOT NULL, note text, t int NOT NULL DEFAULT 1);
CREATE TABLE balances (account text PRIMARY KEY, amount numeric(14, 2) NOT NULL);
CREATE TABLE visits (at timestamptz NOT NULL, page text NOT NULL, ms int) PARTITION BY RANGE (at);
CREATE TABLE visits_2025 PARTITION OF visits FOR VALUES FROM ('2025-01-01Z') TO ('2026-01-01Z');
CREATE TABLE visits_2026 PARTITION OF visits FOR VALUES FROM ('2026-01-01Z') TO ('2027-01-01Z');
CREATE UNLOGGED TABLE sessions (id int PRIMARY KEY, data text);
CREATE TABLE "Größe ""x""" ("Wert %" int, "select" text);
CREATE TABLE nothing_yet (id int PRIMARY KEY);
CREATE TABLE secrets (owner name NOT NULL, word text NOT NULL);
CREATE TABLE places (city text) ;
CREATE TABLE capitals (country text) INHERITS (places);
CREATE INDEX orders_by_customer ON orders (customer, placed_at);
CREATE INDEX orders_open ON orders (state) WHERE state <> 'sent';
CREATE INDEX customers_by_name ON customers (lower(name));
CREATE INDEX visits_by_page ON visits (page);
CREATE STATISTICS orders_together ON customer, state FROM orders;
CREATE FUNCTION total_of(o bigint) RETURNS numeric LANGUAGE sql STABLE
    AS $$ SELECT sum(l.pieces * p.price) FROM public.order_lines l JOIN public.products p USING (sku) WHERE l.order_id = o $$;
CREATE FUNCTION keep_positive() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN IF NEW.total < 0 THEN RAISE EXCEPTION 'total below 0'; END IF; RETURN NEW; END $$;
CREATE PROCEDURE tidy() LANGUAGE sql AS $$ DELETE FROM public.sessions $$;
CREATE VIEW open_orders AS SELECT id, customer, total FROM orders WHERE state <> 'sent';
COMMENT ON TABLE orders IS 'What customers bought';
COMMENT ON COLUMN orders.hint IS 'for the driver';
ALTER TABLE secrets ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_secrets ON secrets USING (owner = current_user) WITH CHECK (owner = current_user);
GRANT SELECT ON orders, open_orders, visits TO shop_reader;
GRANT SELECT, INSERT, UPDATE ON orders, order_lines TO shop_app;
GRANT SELECT (id, name) ON customers TO shop_reader;
GRANT USAGE ON SEQUENCE invoice_numbers TO shop_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO shop_reader;

INSERT INTO customers (mail, name, home, tags, notes)
    SELECT format('c%s@shop.example', n), format('Customer %s', n), ROW(format('Street %s', n % 17), n::text)::address,
        ARRAY['a' || n % 3, 'b'], CASE WHEN n % 5 > 0 THEN jsonb_build_object('n', n, 'list', ARRAY[n, n + 1]) END
    FROM generate_series(1, 200) n;
INSERT INTO products (sku, title, price, weight, picture, stock)
    SELECT 'sku-' || n, format(E'Thing\t%s\\ "quoted" – %s', n, n % 7), 1 + n % 90 + 0.99,
        CASE n % 9 WHEN 0 THEN 'NaN' WHEN 1 THEN 'Infinity' WHEN 2 THEN -0.0 ELSE n / 7.0 END::float8,
        decode(repeat(md5(n::text), 8), 'hex'), 500 - n
    FROM generate_series(1, 120) n;
INSERT INTO orders (customer, placed_at, state, total, took, hint)
    SELECT 1 + n % 200, '2026-01-01Z'::timestamptz + n * interval '7 minutes',
        (enum_range(NULL::state))[1 + n % 4], 0, n * interval '1 second', CASE WHEN n % 3 = 0 THEN '' END
    FROM generate_series(1, 1500) n;
INSERT INTO order_lines SELECT n, l, 'sku-' || 1 + (n * 7 + l) % 120, 1 + (n + l) % 4
    FROM generate_series(1, 1500) n, generate_series(1, 2) l;
UPDATE orders SET total = total_of(id);
INSERT INTO ledger (account, amount, note) SELECT 'acc-' || n % 20, n % 113 - 50.25, 'entry ' || n / 2 FROM generate_series(1, 1200) n;
INSERT INTO balances SELECT account, sum(amount) FROM ledger GROUP BY account;
INSERT INTO visits SELECT '2025-12-01Z'::timestamptz + n * interval '1 hour', '/page/' || n % 40, n % 900
    FROM generate_series(1, 1500) n;
INSERT INTO sessions SELECT n, repeat('x', 30) FROM generate_series(1, 50) n;
INSERT INTO "Größe ""x""" VALUES (1, E'one\nline'), (2, NULL), (3, '\N'), (4, '');
INSERT INTO places VALUES ('Lyon'), ('Basel');
INSERT INTO capitals VALUES ('Paris', 'France'), ('Bern', 'Switzerland');
SELECT nextval('invoice_numbers') FROM generate_series(1, 42);
CREATE MATERIALIZED VIEW sales AS SELECT sku, sum(pieces) AS pieces FROM order_lines GROUP BY sku;
CREATE UNIQUE INDEX sales_by_sku ON sales (sku);
CREATE MATERIALIZED VIEW not_asked_yet AS SELECT count(*) FROM orders WITH NO DATA;
RESET ROLE;
INSERT INTO secrets SELECT CASE WHEN n % 2 = 0 THEN 'shop_app' ELSE current_user END, md5(n::text)
    FROM generate_series(1, 30) n;
ALTER TABLE secrets OWNER TO shop_app;
CREATE TRIGGER orders_positive BEFORE INSERT OR UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION keep_positive();
CREATE TRIGGER never_on BEFORE UPDATE ON products FOR EACH STATEMENT EXECUTE FUNCTION suppress_redundant_updates_trigger();
DROP TRIGGER never_on ON products;
CREATE PUBLICATION of_orders FOR TABLE orders;
SELECT lo_from_bytea(70001, decode(repeat('00ff10', 3000), 'hex')), lo_from_bytea(70002, 'a letter');
ALTER LARGE OBJECT 70001 OWNER TO shop_owner;
GRANT SELECT ON LARGE OBJECT 70002 TO shop_reader;
CREATE FOREIGN DATA WRAPPER elsewhere;
CREATE SERVER warehouse FOREIGN DATA WRAPPER elsewhere OPTIONS (host 'warehouse.example');
CREATE USER MAPPING FOR shop_app SERVER warehouse;
CREATE FOREIGN TABLE public.shelves (id serial, place text) SERVER warehouse;
CREATE COLLATION public.by_bytes (locale = 'C');
CREATE TEXT SEARCH CONFIGURATION public.plain (COPY = simple);
CREATE OPERATOR public.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq);
ALTER TABLE public.products ALTER title SET STORAGE EXTERNAL, ALTER sku SET STATISTICS 500;
CREATE TABLE public.harness_heartbeat (
    id int PRIMARY KEY DEFAULT 1 CHECK (id = 1), at timestamptz NOT NULL, nonce text NOT NULL);
INSERT INTO public.harness_heartbeat VALUES (1, '2026-01-09 12:00:00.25Z', 'a-nonce-of-the-source');
VACUUM (FREEZE, ANALYZE);
