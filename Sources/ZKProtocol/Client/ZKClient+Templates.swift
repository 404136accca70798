// Templates go from one device to another and nowhere else: they are not stored or printed.
extension ZKClient {
    /// One template; nil where the device has none at that place.
    public func template(at place: FingerPlace) async throws(ZKError) -> FingerTemplate? {
        let answer: [UInt8]
        do throws(ZKError) {
            answer = try await readData(.readTemplate, place.encoded())
        } catch {
            if error.code == .refused { return nil }
            throw error
        }
        return try decoding(.readTemplate) { () throws(FormatError) in
            try FingerTemplate(uid: place.uid, finger: place.finger, answer: answer)
        }
    }

    /// All templates of the device, as many as it counts.
    ///
    /// Where the device refuses bulk reads, each finger of each user is asked for.
    public func templates() async throws(ZKError) -> [FingerTemplate] {
        let sizes = try await freeSizes()
        if sizes.users != nil, sizes.fingerprints == 0 { return [] }
        var templates: [FingerTemplate]
        do throws(ZKError) {
            let blob = try await readBulk(.templates)
            templates = try decoding(.readTable) { () throws(FormatError) in
                blob.isEmpty ? [] : try FingerTemplate.decodeAll(blob)
            }
        } catch {
            guard error.code == .refused else { throw error }
            templates = try await templatesOneByOne()
        }
        let after = try await freeSizes()
        guard sizes.users != nil, let counts = range(sizes.fingerprints, after.fingerprints),
            !counts.contains(templates.count)
        else { return templates }
        throw mismatch(
            "templates", .readTable, templates.count, counts,
            templates.reduce(0) { $0 + $1.bytes.count })
    }

    private func templatesOneByOne() async throws(ZKError) -> [FingerTemplate] {
        var templates: [FingerTemplate] = []
        for user in try await users() {
            for finger in UInt8(0)...9 {
                let place = FingerPlace(uid: user.uid, finger: finger)
                if let template = try await template(at: place) { templates.append(template) }
            }
        }
        return templates
    }

    /// Deletes one template; false where there was none.
    @discardableResult
    public func deleteTemplate(at place: FingerPlace) async throws(ZKError) -> Bool {
        try await delete(by: .deleteTemplate, place.encoded())
    }

    /// Deletes one template of a user by the id, as newer firmware can; false where there was none.
    @discardableResult
    public func deleteTemplate(of userID: String, finger: UInt8) async throws(ZKError) -> Bool {
        try check(userID, "the id \(userID)", for: .deleteTemplateByID)
        guard DeviceUser.fits(userID, .bytes72, width: nil, encoding) else {
            throw failure(
                .unfit, .deleteTemplateByID, "the id \(userID) does not fit 24 bytes")
        }
        var data: [UInt8] = []
        data.append(userID, width: 24, encoding)
        data.append(finger)
        return try await delete(by: .deleteTemplateByID, data)
    }

    private func delete(by command: Command, _ data: [UInt8]) async throws(ZKError) -> Bool {
        do throws(ZKError) {
            try await perform(command, data)
        } catch {
            if error.code == .refused { return false }
            throw error
        }
        try await refreshData()
        return true
    }

    /// Writes one template for a user who exists; what was at its place is deleted first.
    ///
    /// The device is disabled meanwhile, for a minute at most.
    public func write(_ template: FingerTemplate) async throws(ZKError) {
        try check([template])
        try await disable(forSeconds: 60)
        do throws(ZKError) {
            try await upload(template)
        } catch {
            // What went wrong first is told.
            if error.code == .refused || error.code == .malformed { try? await enable() }
            throw error
        }
        try await enable()
    }

    private func upload(_ template: FingerTemplate) async throws(ZKError) {
        let place = FingerPlace(uid: template.uid, finger: template.finger)
        _ = try await deleteTemplate(at: place)
        try await announce(template.bytes.count)
        try await perform(.data, template.bytes)
        // How the sum is made is not known; asking for it is part of the sequence.
        _ = try await request(.bufferChecksum)
        let head = TemplateHead(place: place, flag: template.flag, bytes: template.bytes.count)
        try await perform(.writeTemplate, head.encoded())
        try await perform(.freeData)
        try await refreshData()
    }

    /// Writes users and their templates in one upload, which the device takes as a whole.
    public func write(_ upload: UserUpload) async throws(ZKError) {
        try check(upload.templates)
        let layout = try await userLayout()
        for user in upload.users { try await check(user, as: layout, for: .saveUpload) }
        guard let bytes = upload.encoded(layout, encoding),
            bytes.count <= options.bulkBytesMax
        else {
            throw failure(
                .unfit, .saveUpload,
                "the upload has more than bulkBytesMax = \(options.bulkBytesMax) bytes")
        }
        try await perform(.freeData)
        try await announce(bytes.count)
        for start in stride(from: 0, to: bytes.count, by: 1024) {
            try await perform(.data, Array(bytes[start..<min(start + 1024, bytes.count)]))
        }
        try await perform(.saveUpload, [12, 0, 0, 0, 0, 0, 8, 0])
        try await refreshData()
    }

    private func announce(_ count: Int) async throws(ZKError) {
        var data: [UInt8] = []
        data.append(u32: UInt32(clamping: count))
        try await perform(.prepareData, data)
    }

    private func check(_ templates: [FingerTemplate]) throws(ZKError) {
        for template in templates {
            guard template.finger <= 9, 1...FingerTemplate.bytesMax ~= template.bytes.count else {
                throw failure(
                    .unfit, .writeTemplate,
                    "\(template): fingers are 0 to 9, and templates have 1 to "
                        + "\(FingerTemplate.bytesMax) bytes")
            }
        }
    }
}
