import FirnGraph
import FirnRuntime
import Testing

@Suite struct SnapshotChangesTests {
  private func snapshot(_ values: [(String, [Float])]) -> Snapshot {
    Snapshot(values: values.map { .init(name: $0.0, array: NDArray($0.1)) })
  }

  @Test func changesAreOfBitsInOrder() {
    let before = snapshot([("a", [1, 2]), ("b", [0]), ("c", [.nan]), ("gone", [1])])
    let after = snapshot([("new", [1]), ("c", [.nan]), ("b", [-0.0]), ("a", [1, 2])])
    #expect(after.changed(since: before) == ["new", "b"])
    #expect(after.changed(since: after) == [])
  }
}
