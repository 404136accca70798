import MeshAPI
import RPCRuntime
import ServiceKit

extension Session {
    /// Makes a key.
    ///
    /// Its secret alone goes to standard output, so that it can be redirected.
    func createKey() async throws(Failure) -> Terminal.ExitCode {
        let name = invocation.operands[0]
        guard (1...128).contains(name.utf8.count) else {
            throw .usage("NAME has \(name.utf8.count) bytes; allowed are 1 to 128")
        }
        return try await withFleet { fleet throws(Failure) in
            let created = try await call("creating an API key") { options throws(RPCError) in
                try await fleet.createKey(CreateKey(name: name), options)
            }
            let key = created.key
            switch output.format {
            case .table: try output.data("\(created.token)\n")
            case .csv:
                if output.hasHeaders { try output.data(csvLine(KeyInfo.fields + ["token"])) }
                try output.data(csvLine(key.values(keyTimes) + [created.token]))
            case .json: try document(created)
            }
            output.note(
                "API key \(key.id) `\(key.name)` is made. "
                    + "Its secret is shown this once: keep it now.")
            output.note(
                "hint: curl -H 'Authorization: Bearer SECRET' …, and ctl key revoke \(key.id)")
            return .ok
        }
    }

    func listKeys() async throws(Failure) -> Terminal.ExitCode {
        try await withFleet { fleet throws(Failure) in
            let list = try await call("listing API keys") { options throws(RPCError) in
                try await fleet.listKeys(ListKeys(), options)
            }
            var listing = Listing<KeyInfo>(output)
            try listing.begin(keyTimes)
            try listing.page(list.keys, keyTimes)
            try listing.end(Array("{\"data\":[]}".utf8))
            return .ok
        }
    }

    func revokeKey() async throws(Failure) -> Terminal.ExitCode {
        let id = invocation.operands[0]
        guard (1...32).contains(id.utf8.count) else {
            throw .usage("ID has \(id.utf8.count) bytes; allowed are 1 to 32")
        }
        return try await withFleet { fleet throws(Failure) in
            let key = try await call("revoking API key \(id)") { options throws(RPCError) in
                try await fleet.revokeKey(RevokeKey(id: id), options)
            }
            switch output.format {
            case .table: output.note("API key \(key.id) `\(key.name)` is revoked.")
            case .csv:
                if output.hasHeaders { try output.data(csvLine(KeyInfo.fields)) }
                try output.data(csvLine(key.values(keyTimes)))
            case .json: try document(key)
            }
            return .ok
        }
    }

    /// Keys have no place, so their times are in UTC.
    private var keyTimes: Times { Times(isUTC: true) }

    /// `{"data":{…}}`.
    private func document(_ data: some Message) throws(Failure) {
        let json = String(decoding: data.encodedJSON(.document), as: UTF8.self)
        try output.data("{\"data\":\(json)}\n")
    }
}
