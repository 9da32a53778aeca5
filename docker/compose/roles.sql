-- For the first start of the database: the roles that PostgREST and postgres-meta come as get the stack's password.
\set password `cat /run/secrets/postgres_password`
alter user authenticator with password :'password';
alter user supabase_admin with password :'password';
