import RPCRuntime
import Synchronization
import TestSchemas
import Testing
import Transport

@testable import HTTP
@testable import RPCEdge

/// What a schema's routes make of HTTP requests.
@Suite struct EdgeTests {
    private func with(_ body: (EdgeFixture) async throws -> Void) async throws {
        let fixture = try EdgeFixture()
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(fixture)) } catch { outcome = .failure(error) }
        await fixture.end()
        try outcome.get()
    }

    // MARK: URLs

    @Test func `each kind of value is read from a URL`() async throws {
        try await with { edge in
            let answer = try await edge.send(
                "GET /v1/find/a%2Fb/-5?is_open=true&colour=COLOUR_DARK_RED"
                    + "&key=11112222-3333-4444-5555-666677778888&since=2026-03-01T10:00:00+02:00"
                    + "&stay=1.5s&share=0.25&raw=AQI=&names=x&names=a%20b&colours=1&colours=7")
            #expect(answer.status == 200)
            #expect(
                answer.body
                    == #"{"id":"a/b","number":"-5","is_open":true,"colour":"COLOUR_DARK_RED","#
                    + #""key":"11112222-3333-4444-5555-666677778888","#
                    + #""since":"2026-03-01T08:00:00Z","stay":"1.500s","share":0.25,"raw":"AQI=","#
                    + #""names":["x","a b"],"colours":["COLOUR_DARK_RED",7]}"#)
        }
    }

    @Test func `an answer has all members`() async throws {
        try await with { edge in
            let found = try await edge.send("GET /v1/find").body
            #expect(
                found
                    == #"{"id":"","number":"0","is_open":false,"colour":"COLOUR_UNSPECIFIED","#
                    + #""key":"00000000-0000-0000-0000-000000000000","since":null,"stay":null,"#
                    + #""share":0.0,"raw":"","names":[],"colours":[]}"#)
            let box = try await edge.send("POST /v1/boxes", #"{"weightGrams":5,"sides":{"a":1}}"#)
            #expect(
                box.body
                    == #"{"id":"","label":"","colour":"COLOUR_UNSPECIFIED","weight_grams":5,"#
                    + #""parts":[],"sides":{"a":1},"person":null,"team":null}"#)
        }
    }

    @Test func `a segment as it is written goes before a variable`() async throws {
        try await with { edge in
            let fixed = try await edge.send("GET /v1/find/all/0")
            #expect(fixed.body.hasPrefix(#"{"id":"all""#))
            let variable = try await edge.send("GET /v1/find/all/1")
            #expect(variable.body.contains(#""number":"1""#))
            let longer = try await edge.send("GET /v1/find/alls/0")
            #expect(longer.body.hasPrefix(#"{"id":"alls""#))
        }
    }

    static let mistakes: [(String, String, UInt16, String, String)] = [
        ("GET /v1/find/a/6", "", 400, "invalid_parameter", "the parameter number: 6 is not within"),
        ("GET /v1/find/a/x", "", 400, "invalid_parameter", "the parameter number: "),
        ("GET /v1/find/aaaaaaaaaaaaaaaaa/1", "", 400, "invalid_parameter", "17 bytes are over"),
        ("GET /v1/find/a/1?is_open=yes", "", 400, "invalid_parameter", "the parameter is_open: "),
        ("GET /v1/find/a/1?is_open=", "", 400, "invalid_parameter", "is_open is empty"),
        ("GET /v1/find/a/1?colour=darkRed", "", 400, "invalid_parameter", "colour: "),
        ("GET /v1/find/a/1?key=1", "", 400, "invalid_parameter", "key: "),
        ("GET /v1/find/a/1?since=now", "", 400, "invalid_parameter", "since: "),
        ("GET /v1/find/a/1?raw=%3F", "", 400, "invalid_parameter", "raw: "),
        ("GET /v1/find/a/1?names=a&names=b&names=c", "", 400, "invalid_parameter", "limit of 2"),
        ("GET /v1/find/a/1?share=1&share=2", "", 400, "invalid_parameter", "share comes twice"),
        ("GET /v1/find/a/1?isOpen=true", "", 400, "unknown_parameter", "`isOpen` is not known"),
        ("GET /v1/find/a/1?id=b", "", 400, "unknown_parameter", "`id` is not known"),
        ("GET /v1/find/a/1", "{}", 400, "invalid_body", "none is wanted"),
        ("GET /v1/find//1", "", 404, "not_found", "no resource"),
        ("GET /v1/find/a", "", 404, "not_found", "no resource"),
        ("GET /v1/find/a/1/", "", 404, "not_found", "no resource"),
        ("GET /", "", 404, "not_found", "no resource"),
        ("DELETE /v1/find/a/1", "", 405, "method_not_allowed", "DELETE is not for"),
        ("POST /v1/boxes", "", 400, "invalid_body", "it is empty"),
        ("POST /v1/boxes", "[]", 400, "invalid_body", "expected an object"),
        ("POST /v1/boxes", #"{"labels":"a"}"#, 400, "invalid_body", "no field is called"),
        ("POST /v1/boxes", #"{"parts":[{"name":1}]}"#, 400, "invalid_body", "/parts/0/name: "),
        ("POST /v1/boxes", #"{"person":"a","team":{}}"#, 400, "invalid_body", "second choice"),
        ("POST /v1/boxes", #"{}{}"#, 400, "invalid_body", "behind the value"),
        ("PUT /v1/boxes/7", "", 400, "invalid_body", "it is empty"),
        ("PUT /v1/boxes/7", "null", 400, "invalid_body", "not null"),
        ("PUT /v1/boxes/7", "{},1", 400, "invalid_body", "behind the value"),
        ("PUT /v1/boxes/7/parts", #"[{},{},{}]"#, 400, "invalid_body", "limit of 2"),
        ("PUT /v1/boxes/7/parts", #"[{"x":1}]"#, 400, "invalid_body", "/0/x"),
        ("PATCH /v1/boxes/7", #"{"id":"8"}"#, 400, "invalid_parameter", "the parameter id: "),
        ("POST /v1/secret", "", 403, "permission_denied", "may be called by other"),
    ]

    @Test(arguments: mistakes)
    func `a mistake is a problem that names the place`(
        line: String, body: String, status: UInt16, code: String, text: String
    ) async throws {
        try await with { edge in
            let answer = try await edge.send(line, body)
            #expect(answer.status == status)
            #expect(answer.code == code, "\(answer.body)")
            #expect(answer.body.contains(text), "\(answer.body)")
            #expect(answer.fields.only("content-type") == "application/problem+json")
        }
    }

    // MARK: Bodies

    @Test func `a body is the rest of the fields, or one of them`() async throws {
        try await with { edge in
            let changed = try await edge.send("PATCH /v1/boxes/7", #"{"label":"x"}"#)
            #expect(changed.body.hasPrefix(#"{"id":"7","label":"x","#))
            // What stands in both places may be the same.
            let same = try await edge.send("PATCH /v1/boxes/7", #"{"id":"7","label":"x"}"#)
            #expect(same.body == changed.body)
            let put = try await edge.send("PUT /v1/boxes/7?force=true", #" {"label":"x"} "#)
            #expect(put.body.hasPrefix(#"{"id":"7","box":{"id":"","label":"x","#))
            #expect(put.body.hasSuffix(#","force":true}"#))
            let parts = try await edge.send("PUT /v1/boxes/7/parts", #"[{"name":"a"}]"#)
            #expect(parts.body == #"{"id":"7","parts":[{"name":"a"}]}"#)
            for body in ["", "{}"] {
                let reset = try await edge.send("POST /v1/reset", body)
                #expect(reset.body == "{}")
            }
            let removed = try await edge.send("DELETE /v1/boxes/7")
            #expect(removed.body == "{}")
        }
    }

    @Test func `a body is JSON and says so`() async throws {
        try await with { edge in
            for (type, status) in [
                ("application/json", 200), ("Application/JSON; charset=utf-8", 200),
                ("text/plain", 415), ("application/json-patch+json", 415), ("", 415),
            ] as [(String, UInt16)] {
                let answer = try await edge.send(
                    "POST /v1/boxes", "{}", fields: [HTTPField("Content-Type", type)])
                #expect(answer.status == status, "\(type)")
            }
        }
    }

    // MARK: Callers

    @Test func `who may not learns nothing but that there is something`() async throws {
        try await with { edge in
            let nobody = [HTTPField("Authorization", "nobody")]
            for line in [
                "GET /v1/find", "GET /v1/find?x=1", "DELETE /v1/find", "POST /v1/boxes",
                "GET /v1/steps", "GET /v1/find/a/x",
            ] {
                let refused = try await edge.send(line, fields: nobody)
                #expect(refused.code == "unauthorized")
            }
            let missing = try await edge.send("GET /none", fields: nobody)
            #expect(missing.code == "not_found")
            let free = try await edge.send("GET /free", fields: nobody)
            #expect(free.body == "free")
        }
    }

    @Test func `the handler learns who asks, and the request's id`() async throws {
        try await with { edge in
            let named = try await edge.send(
                "GET /v1/find/a/1", fields: [HTTPField("X-Request-Id", "r-1")])
            #expect(named.fields.only("x-request-id") == "r-1")
            let odd = try await edge.send(
                "GET /v1/find/a/1", fields: [HTTPField("X-Request-Id", "a b")])
            #expect(odd.fields.only("x-request-id") == "0f0f0f0f0f0f0f0f")
            let seen = edge.service.principals.value.withLock { $0 }
            #expect(seen == ["key:1 r-1", "key:1 0f0f0f0f0f0f0f0f"])
        }
    }

    // MARK: Failures

    static let statuses: [(RPCError.Code, UInt16, String)] = [
        (.cancelled, 499, "cancelled"), (.unknown, 500, "unknown"),
        (.invalidArgument, 400, "invalid_argument"),
        (.deadlineExceeded, 504, "deadline_exceeded"), (.notFound, 404, "not_found"),
        (.alreadyExists, 409, "already_exists"), (.permissionDenied, 403, "permission_denied"),
        (.resourceExhausted, 429, "resource_exhausted"),
        (.failedPrecondition, 409, "failed_precondition"), (.aborted, 409, "aborted"),
        (.outOfRange, 400, "out_of_range"), (.unimplemented, 501, "unimplemented"),
        (.internal, 500, "internal"), (.unavailable, 503, "unavailable"),
        (.dataLoss, 500, "data_loss"), (.unauthenticated, 401, "unauthenticated"),
    ]

    @Test func `each code has its status`() async throws {
        #expect(Self.statuses.count == RPCError.Code.allCases.count)
        try await with { edge in
            for (code, status, word) in Self.statuses {
                let answer = try await edge.send("GET /v1/fail/\(code)")
                #expect(answer.status == status && answer.code == word)
                let isPassing = status == 503 || status == 429
                #expect((answer.fields.only("retry-after") != nil) == isPassing)
            }
            // Those that are the server's.
            let reported = edge.reported.value.withLock { $0 }
            #expect(reported.count == Self.statuses.count { $0.1 >= 500 })
            #expect(reported.allSatisfy { $0.method == "test.edge.v1.Boxes/fail" })
        }
    }

    @Test func `a reason is the code, and may have a status of its own`() async throws {
        try await with { edge in
            let answer = try await edge.send("GET /v1/fail/reason")
            #expect(answer.status == 410 && answer.code == "too_old")
            #expect(answer.body.contains(#""title":"Gone","status":410,"detail":"no more""#))
        }
    }

    // MARK: Streams

    @Test func `a stream is events, which a reader goes on behind`() async throws {
        try await with { edge in
            let answer = try await edge.send("GET /v1/steps?count=2")
            #expect(answer.fields.only("content-type") == "text/event-stream")
            #expect(
                answer.body
                    == "id: 1\ndata: {\"place\":\"1\"}\n\nid: 2\ndata: {\"place\":\"2\"}\n\n")
            let resumed = try await edge.send(
                "GET /v1/steps?count=1&after=9", fields: [HTTPField("Last-Event-ID", "4")])
            #expect(resumed.body == "id: 5\ndata: {\"place\":\"5\"}\n\n")
        }
    }

    @Test func `a failure before the first event is the answer, a later one an event`() async throws
    {
        try await with { edge in
            let early = try await edge.send("GET /v1/steps?after=bad")
            #expect(early.status == 400 && early.code == "invalid_argument")
            let late = try await edge.send("GET /v1/steps?count=1&breaks=true")
            #expect(late.status == 200)
            let events = late.body.split(separator: "\n\n")
            #expect(events.count == 2 && events[1].hasPrefix("event: error\ndata: {\"type\""))
            #expect(late.code == "data_loss")
        }
    }

    @Test func `a quiet stream begins, and shows that it is alive`() async throws {
        let fixture = try EdgeFixture(patience: .milliseconds(20))
        let answer = try await fixture.send("GET /v1/steps", pieces: 3)
        // The head alone, then comments.
        #expect(answer.status == 200 && answer.body == ": \n\n: \n\n")
        await fixture.end()
    }

    @Test func `a call ends with its stream, and makes room`() async throws {
        let fixture = try EdgeFixture(streamsMax: 1, patience: .milliseconds(20))
        _ = try await fixture.send("GET /v1/steps", pieces: 1)
        #expect(fixture.edge.openStreams.count == 0)
        var counts = (begun: 0, ended: 0)
        for _ in 0..<500 where counts.ended == 0 {
            try await fixture.loop.sleep(for: .milliseconds(10))
            counts = fixture.service.streams.value.withLock { $0 }
        }
        #expect(counts.begun == 1 && counts.ended == 1)
        fixture.edge.openStreams.add(1)
        let crowded = try await fixture.send("GET /v1/steps")
        #expect(crowded.status == 503 && crowded.code == "too_many_streams")
        await fixture.end()
    }
}
