import CSillok
import Testing

@Suite struct TextHashTests {
    @Test func `the hash of a text and its kind is SipHash-2-4`() {
        // The vectors of the reference implementation: the message of n bytes is 0, 1, … n − 1.
        let expected: [UInt64] = [
            0x74F8_39C5_93DC_67FD, 0x0D6C_8009_D9A9_4F5A, 0x8567_6696_D7FB_7E2D, 0xCF27_94E0_2771_87B7,
            0x1876_5564_CD99_A68D, 0xCBC9_466E_58FE_E3CE, 0xAB02_00F5_8B01_D137, 0x93F5_F579_9A93_2462,
            0x9E00_82DF_0BA9_E4B0, 0x7A5D_BBC5_94DD_B9F3, 0xF4B3_2F46_226B_ADA7, 0x751E_8FBC_860E_E5FB,
            0x14EA_5627_C084_3D90, 0xF723_CA90_8E7A_F2EE, 0xA129_CA61_49BE_45E5,
        ]
        for (index, hash) in expected.enumerated() {
            let text = (0..<index).map { UInt8($0) }
            #expect(
                sillok_siphash_text(0x0706_0504_0302_0100, 0x0F0E_0D0C_0B0A_0908, UInt8(index), text, index) == hash)
        }
    }
}
