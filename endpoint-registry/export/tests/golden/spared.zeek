#fields	indicator	indicator_type	meta.source	meta.desc
www.front.example	Intel::DOMAIN	SARK	front/ranges
192.0.2.0	Intel::ADDR	SARK	models/api
192.0.2.2/31	Intel::SUBNET	SARK	models/api
192.0.2.4/30	Intel::SUBNET	SARK	models/api
192.0.2.8/29	Intel::SUBNET	SARK	models/api
192.0.2.16/28	Intel::SUBNET	SARK	models/api
192.0.2.32/27	Intel::SUBNET	SARK	models/api
192.0.2.70	Intel::ADDR	SARK	models/api
192.0.2.200	Intel::ADDR	SARK	models/api
2001:db8:1::/48	Intel::SUBNET	SARK	models/api
