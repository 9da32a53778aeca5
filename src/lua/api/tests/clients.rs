use super::*;

/// In `access`, after ann was let in.
fn known() -> Current {
    let mut current = current(Compat::Kong2);
    (current.cx.consumer, current.cx.authenticated) = (Some(ConsumerId(0)), Some(Authenticated::By(CredentialId(0))));
    current.cx.route = Some(RouteId(0));
    current.cx.service = Some(crate::entity::ServiceId(0));
    current
}

#[test]
fn who_asks_is_told() {
    let consumer = "kong.client.get_consumer().username, kong.client.get_consumer().custom_id, \
                    kong.client.get_credential().username, ngx.ctx.authenticated_consumer.username, \
                    ngx.ctx.authenticated_credential.consumer.id == kong.client.get_consumer().id";
    assert_eq!(of(known(), consumer), "ann|c1|ann-login|ann|true");
    assert_eq!(value("type(kong.client.get_consumer()), type(kong.client.get_credential())"), "nil|nil");
    assert_eq!(
        value("kong.client.get_ip(), kong.client.get_forwarded_ip(), kong.client.get_port()"),
        "127.0.0.1|127.0.0.1|0"
    );
    assert_eq!(value("kong.client.load_consumer('ann', true).custom_id, kong.client.load_consumer('bob', true)"), "c1");
    assert_eq!(raised("kong.client.load_consumer('ann')"), "cannot load a consumer with an id that is not a uuid");
    assert_eq!(raised("kong.client.load_consumer()"), "consumer_id must be a string");
    assert_eq!(
        value("kong.ip.is_trusted('10.1.2.3'), kong.ip.is_trusted('11.1.2.3'), kong.ip.is_trusted('x')"),
        "true|false|false"
    );
}

#[test]
fn a_chunk_says_who_asks() {
    let cx = made("kong.client.authenticate(kong.client.load_consumer('ann', true), {id = 'x'})").cx;
    assert_eq!((cx.consumer, cx.authenticated), (Some(ConsumerId(0)), Some(Authenticated::Foreign)));
    let chunk =
        "kong.client.authenticate({id = 'who', username = 'guest'}) ngx.print(kong.client.get_consumer().username)";
    let current = made(chunk);
    assert_eq!((current.cx.consumer, current.said.unwrap()), (None, b"guest".to_vec()));
    assert_eq!(raised("kong.client.authenticate()"), "either credential or consumer must be provided");
    assert_eq!(raised("kong.client.authenticate('ann')"), "consumer must be a table or nil");
}

#[test]
fn route_and_service_are_told() {
    let all = "kong.router.get_route().name, kong.router.get_route().paths[1], kong.router.get_service().port, \
               ngx.ctx.route.id, ngx.ctx.service.id, kong.client.get_protocol()";
    assert_eq!(of(known(), all), "r|/a|80|r-id|s-id|https");
    assert_eq!(value("kong.client.get_protocol()"), "nil|No active route found");
    assert_eq!(value("type(kong.router.get_route()), type(kong.router.get_service())"), "nil|nil");
}

#[test]
fn the_node_is_told() {
    assert_eq!(value("kong.version, kong.version_num, kong.nginx.get_subsystem()"), "2.8.1|2008001|http");
    assert_eq!(of(current(Compat::Kong3), "kong.version, kong.version_num"), "3.9.1|3009001");
    assert_eq!(value("kong.node.get_id() == kong.node.get_id(), #kong.node.get_id()"), "true|36");
    assert_eq!(value("type(kong.node.get_memory_stats().workers_lua_vms[1].http_allocated_gc)"), "number");
    assert_eq!(
        value("kong.node.get_memory_stats('m', 1).workers_lua_vms[1].http_allocated_gc:match('%.%d MiB$') ~= nil"),
        "true"
    );
    assert_eq!(value("kong.table.merge({a = 1, b = 1}, {b = 2}).b, type(kong.table.new(1, 1))"), "2|table");
    assert_eq!(
        value("kong.vault.is_reference('{vault://env/x}'), kong.vault.get('{vault://env/x}')"),
        "true|nil|there is no vault"
    );
}

#[test]
fn lines_of_the_log_do_not_stop_a_chunk() {
    made(
        "kong.log('a', 1, nil, {}) kong.log.err('x\\ny') kong.log.inspect({a = {1, 'x'}}) ngx.log(ngx.ERR, 'a', nil, true)",
    );
    made("kong.log.inspect.off() kong.log.inspect(1) kong.log.inspect.on()");
    assert_eq!(raised("ngx.log(99, 'x')"), "bad log level: 99");
    let words = "function cannot be called in access phase (only in: log)";
    assert!(raised("kong.log.serialize()").contains(words));
}
