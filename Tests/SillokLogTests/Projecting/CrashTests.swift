import SillokLog
import SillokTestSupport
import Testing

/// Crashes between each two of: the rule, the write of the log, its sync, the commit of the rows, the answer.
@Suite(.serialized) struct CrashTests {
    @Test func `after a crash at any moment the rows equal the fold of the log`() async throws {
        let crashes = CrashImages()
        try await crashes.run()
        let images = crashes.images
        for moment in ["in the rule", "beforeWrite", "beforeSync", "afterSync", "before the answer"] {
            #expect(images.contains { $0.cause.hasSuffix(moment) }, "\(moment)")
        }
        for image in images { #expect(await crashes.findings(in: image) == []) }
        print("\(images.count) images of crashes; 0 wrong")
    }

    @Test(arguments: [RowsFaults.Planted.commitsBeforeSync, .keepsRefusedRows, .skipsReplay])
    func `a planted bug is found`(_ planted: RowsFaults.Planted) async throws {
        let crashes = CrashImages(planted)
        try await crashes.run()
        for image in crashes.images {
            if let finding = await crashes.findings(in: image).first {
                print("bug \(planted.rawValue): \(finding)")
                return
            }
        }
        Issue.record("bug \(planted.rawValue) was not found in \(crashes.images.count) images")
    }
}
