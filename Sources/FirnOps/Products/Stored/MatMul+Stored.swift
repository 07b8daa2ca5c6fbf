package import FirnGraph

extension MatMul {
  /// The columns of what stands right, the rows of what stands left.
  package func kernelChannel(of operand: Int, in node: NodeTypes) -> Int? {
    guard order == nil, operand < 2 else { return nil }
    let rank = node.shape.rank
    let isLast = operand == 0 ? transposeA : !transposeB
    return isLast ? rank - 1 : rank - 2
  }

  /// A matrix that stands right is read in panels.
  package func storedReading(
    of operand: Int, as storage: FrozenStorage, channel: Int, in node: NodeTypes
  ) -> Arrangement? {
    guard operand == 1, order == nil, node.shape.rank == 2, let columns = node.shape[1].value else {
      return nil
    }
    return Arrangement(
      Store(storage, transposeB ? .turnedPanels : .panels, channel: channel),
      then: StoredMatMul(
        transposeA: transposeA, columns: columns, storage, channel: transposeB ? 1 - channel : channel))
  }
}

extension FrozenStorage {
  /// What puts an array of this type into the smaller one as it lies, and what widens it for ops that read it so.
  package func flat(of type: TensorType, channel: Int) -> (store: any Op, widen: any Op) {
    (Store(self, channel: channel), Widen(self, channel: channel, to: type))
  }
}
