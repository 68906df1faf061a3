"""What the Python SDK makes of padded answers and errors: one JSON object on standard output."""

import base64
import json
import sys
import time

from secret_sdk.client.lcd import LCDClient
from secret_sdk.key.mnemonic import MnemonicKey

url, chain_id, mnemonic, address, code_hash = sys.argv[1:]
client = LCDClient(url=url, chain_id=chain_id)
wallet = client.wallet(MnemonicKey(mnemonic=mnemonic))


def ask(query):
    try:
        return client.wasm.contract_query(address, query, code_hash)
    except Exception as error:  # the SDK raises its own and aiohttp's
        return {"raised": str(error)}


def execute(message):
    sent = wallet.execute_tx(address, message)
    for _ in range(100):
        try:
            return client.tx.tx_info(sent.txhash)
        except Exception:
            time.sleep(0.1)
    raise SystemExit("the transaction is not found")


failed = execute({"fail": {"message": "not now"}})
given = execute({"set_data": {"data": base64.b64encode(b'{"a":1}').decode()}})
print(
    json.dumps(
        {
            "answer": ask({"read": {"key": "absent"}}),
            "query_error": ask({"fail": {"message": "no answer"}}),
            "code": failed.code,
            "log": failed.rawlog,
            "data": [bytes(data).hex() for data in given.data] if isinstance(given.data, list) else str(given.data),
        }
    )
)
