import MeshAPI
import RPCRuntime
import ServiceKit

extension Session {
    func listLocations() async throws(Failure) -> Terminal.ExitCode {
        try await withFleet { fleet throws(Failure) in
            let list = try await call("listing locations") { options throws(RPCError) in
                try await fleet.listLocations(ListLocations(), options)
            }
            let times = Times(isUTC: invocation.flag("--utc"), zones: list.zones)
            var listing = Listing<LocationState>(output)
            try listing.begin(times)
            try listing.page(list.data, times)
            var rest = list
            rest.data = []
            try listing.end(rest.encodedJSON(.document))
            return conclude(
                complete: list.complete, list.sources, asOf: list.asOf, times)
        }
    }

    func listDevices() async throws(Failure) -> Terminal.ExitCode {
        try await withFleet { fleet throws(Failure) in
            var times = try await times(fleet)
            let request = ListDevices(location: invocation.values("--location"))
            let list = try await call("listing devices") { options throws(RPCError) in
                try await fleet.listDevices(request, options)
            }
            times.asOf = list.asOf
            var listing = Listing<DeviceView>(output)
            try listing.begin(times)
            try listing.page(list.data, times)
            var rest = list
            rest.data = []
            try listing.end(rest.encodedJSON(.document))
            return conclude(
                complete: list.complete, list.sources, asOf: list.asOf, times)
        }
    }

    func listPunches() async throws(Failure) -> Terminal.ExitCode {
        let limit = try limit(default: 100)
        if invocation.flag("--all"), invocation.value("--limit") != nil {
            throw .usage("--all and --limit exclude each other")
        }
        return try await withFleet { fleet throws(Failure) in
            let bounds = ["--from", "--to"].compactMap { invocation.value($0) }
            let times = try await times(
                fleet, isNeeded: bounds.contains { Times.needsZone($0) })
            var query = query
            query.from = try instant("--from", times)
            query.to = try instant("--to", times)
            return try await listPunches(
                fleet, query, limit: invocation.flag("--all") ? .max : limit, times)
        }
    }

    /// Shows page after page until there are `limit` punches, or no more.
    private func listPunches(
        _ fleet: Fleet.Client, _ query: PunchQuery, limit: Int, _ times: Times
    ) async throws(Failure) -> Terminal.ExitCode {
        var query = query
        var left = limit
        var listing = Listing<StoredPunch>(output)
        var hasBegun = false
        while true {
            query.limit = UInt32(min(left, 1000))
            let request = query
            var page = try await call("listing punches") { options throws(RPCError) in
                try await fleet.listPunches(request, options)
            }
            // Not before there is an answer: a refused call leaves no half of a document.
            if !hasBegun { try listing.begin(times) }
            hasBegun = true
            try listing.page(page.data, times)
            left -= min(page.data.count, left)
            query.cursor = page.nextCursor
            if page.hasMore, left > 0 { continue }
            page.data = []
            try listing.end(page.encodedJSON(.document))
            if page.hasMore, output.format != .json {
                output.note(
                    "note: there are more: --all, or go on with --cursor \(page.nextCursor)")
            }
            return conclude(
                complete: page.complete, page.sources, to: query.to, asOf: page.asOf, times)
        }
    }

    /// The filters of the command line, without times.
    var query: PunchQuery {
        PunchQuery(
            location: invocation.values("--location"), device: invocation.values("--device"),
            user: invocation.values("--user"), cursor: invocation.value("--cursor") ?? "")
    }

    func limit(default value: Int) throws(Failure) -> Int {
        do throws(UsageError) {
            return try invocation.integer("--limit", default: value, in: 1...1_000_000_000)
        } catch {
            throw .usage(error.message)
        }
    }

    private func instant(_ option: String, _ times: Times) throws(Failure) -> Timestamp? {
        guard let text = invocation.value(option) else { return nil }
        return try times.instant(
            text, option, locations: invocation.values("--location"), now: surroundings.now())
    }
}
